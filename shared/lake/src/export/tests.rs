use super::*;

#[test]
fn what_can_be_divided_by_is_found_and_the_rest_named() {
    let schema = TableSchema::of(&streams::TIME_ENTRIES);
    let found = |name: &str| PartitionBy::parse(&schema, name);
    let month = found("spent_month").unwrap();
    assert_eq!((month.source.as_str(), month.part), ("spent_date", Part::Month));
    assert_eq!(found("created_year").unwrap().source, "created_at");
    assert_eq!(found("created_month").unwrap().part, Part::Whole);
    assert_eq!(found("client_id").unwrap().hive_type(&schema), "bigint");
    for name in ["hours", "spent_week", "nothing", "extra_json_month"] {
        let error = found(name).unwrap_err().to_string();
        assert!(error.contains("`spent_month`") && error.contains(name), "{error}");
    }
}
