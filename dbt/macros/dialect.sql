{# What differs between engines. The texts are those of shared/catalog/src/dialect.rs; a test compares each model, as each
   engine gets it, with what `harvest-lake sql` prints. The default is Trino's, which is Athena's. #}

{# Number of days from one to another. #}
{% macro days(first, last) %}{{ return(adapter.dispatch('days', 'harvest_lake')(first, last)) }}{% endmacro %}
{% macro default__days(first, last) %}{{ return("DATE_DIFF('day', " ~ first ~ ", " ~ last ~ ")") }}{% endmacro %}
{% macro spark__days(first, last) %}{{ return("DATEDIFF(" ~ last ~ ", " ~ first ~ ")") }}{% endmacro %}

{# Day so many days later. #}
{% macro plus_days(day, number) %}{{ return(adapter.dispatch('plus_days', 'harvest_lake')(day, number)) }}{% endmacro %}
{% macro default__plus_days(day, number) %}{{ return("DATE_ADD('day', " ~ number ~ ", " ~ day ~ ")") }}{% endmacro %}
{% macro duckdb__plus_days(day, number) %}{{ return("(" ~ day ~ " + CAST(" ~ number ~ " AS INTEGER))") }}{% endmacro %}
{% macro spark__plus_days(day, number) %}{{ return("DATE_ADD(" ~ day ~ ", CAST(" ~ number ~ " AS INT))") }}{% endmacro %}

{# Day so many months later, or the last one of a shorter month. #}
{% macro plus_months(day, number) %}{{ return(adapter.dispatch('plus_months', 'harvest_lake')(day, number)) }}{% endmacro %}
{% macro default__plus_months(day, number) %}{{ return("DATE_ADD('month', " ~ number ~ ", " ~ day ~ ")") }}{% endmacro %}
{% macro duckdb__plus_months(day, number) %}
  {{- return("CAST(" ~ day ~ " + " ~ number ~ " * INTERVAL '1' MONTH AS DATE)") -}}
{% endmacro %}
{% macro spark__plus_months(day, number) %}{{ return("ADD_MONTHS(" ~ day ~ ", " ~ number ~ ")") }}{% endmacro %}

{# Quotients with two decimal places, null where the divisor is 0. #}
{% macro ratio(part, whole, factor="") %}
  {{- return("ROUND(" ~ factor ~ "CAST(" ~ part ~ " AS DOUBLE) / NULLIF(CAST(" ~ whole ~ " AS DOUBLE), 0), 2)") -}}
{% endmacro %}
{% macro percent(part, whole) %}{{ return(harvest_lake.ratio(part, whole, "100 * ")) }}{% endmacro %}

{# Instant without a zone, in UTC. #}
{% macro instant(at) %}{{ return("CAST(" ~ at ~ " AS " ~ adapter.dispatch('instant_type', 'harvest_lake')() ~ ")") }}{% endmacro %}
{% macro default__instant_type() %}{{ return("timestamp(3)") }}{% endmacro %}
{% macro duckdb__instant_type() %}{{ return("TIMESTAMP_MS") }}{% endmacro %}
{% macro spark__instant_type() %}{{ return("TIMESTAMP") }}{% endmacro %}

{# Instant of a table, which may have a zone, as one without. DuckDB would take the zone of the session. #}
{% macro in_utc(at) %}{{ return(adapter.dispatch('in_utc', 'harvest_lake')(at)) }}{% endmacro %}
{% macro default__in_utc(at) %}{{ return(harvest_lake.instant(at)) }}{% endmacro %}
{% macro duckdb__in_utc(at) %}{{ return(harvest_lake.instant(at ~ " AT TIME ZONE 'UTC'")) }}{% endmacro %}
{% macro spark__in_utc(at) %}{{ return(at) }}{% endmacro %}

{# List of records with instants. Athena refuses instants with a zone in views, and casts no member of a record alone. #}
{% macro records(list, type) %}{{ return(adapter.dispatch('records', 'harvest_lake')(list, type)) }}{% endmacro %}
{% macro default__records(list, type) %}{{ return("CAST(" ~ list ~ " AS " ~ type ~ ")") }}{% endmacro %}
{% macro duckdb__records(list, type) %}{{ return(list) }}{% endmacro %}
{% macro spark__records(list, type) %}{{ return(list) }}{% endmacro %}

{# Item of a list by its place, from 1; number of items; a row for each place of a list, `place.position`. #}
{% macro item(list) %}{{ return(adapter.dispatch('item', 'harvest_lake')(list)) }}{% endmacro %}
{% macro default__item(list) %}{{ return("ELEMENT_AT(" ~ list ~ ", place.position)") }}{% endmacro %}
{% macro duckdb__item(list) %}{{ return(list ~ "[place.position]") }}{% endmacro %}

{% macro count_items(list) %}{{ return(adapter.dispatch('count_items', 'harvest_lake')(list)) }}{% endmacro %}
{% macro default__count_items(list) %}{{ return("CARDINALITY(" ~ list ~ ")") }}{% endmacro %}
{% macro duckdb__count_items(list) %}{{ return("LEN(" ~ list ~ ")") }}{% endmacro %}
{% macro spark__count_items(list) %}{{ return("SIZE(" ~ list ~ ")") }}{% endmacro %}

{% macro position() %}{{ return(adapter.dispatch('position', 'harvest_lake')()) }}{% endmacro %}
{% macro default__position() %}{{ return("place.position") }}{% endmacro %}
{% macro spark__position() %}{{ return("CAST(place.position AS BIGINT)") }}{% endmacro %}

{% macro places(list) %}
  {{- return(adapter.dispatch('places', 'harvest_lake')("GREATEST(" ~ harvest_lake.count_items(list) ~ ", 1)")) -}}
{% endmacro %}
{% macro default__places(last) %}
  {{- return("CROSS JOIN UNNEST(SEQUENCE(1, " ~ last ~ ")) AS place (position)") -}}
{% endmacro %}
{% macro duckdb__places(last) %}
  {{- return("CROSS JOIN UNNEST(GENERATE_SERIES(1, " ~ last ~ ")) AS place (position)") -}}
{% endmacro %}
{% macro spark__places(last) %}
  {{- return("LATERAL VIEW EXPLODE(SEQUENCE(1, " ~ last ~ ")) place AS position") -}}
{% endmacro %}

{# Harvest's time of day, `8:05am` or `14:59`, as `08:05` or `14:59`. #}
{% macro time_of_day(text) %}
  {%- set kind = adapter.dispatch('text_type', 'harvest_lake')() -%}
  {%- set hour = "TRY_CAST(SPLIT_PART(" ~ text ~ ", ':', 1) AS BIGINT)" -%}
  {%- set hour = "CASE WHEN LOWER(" ~ text ~ ") LIKE '%pm' THEN MOD(" ~ hour ~ ", 12) + 12 WHEN LOWER(" ~ text
    ~ ") LIKE '%am' THEN MOD(" ~ hour ~ ", 12) ELSE " ~ hour ~ " END" -%}
  {%- set minute = "SUBSTR(SPLIT_PART(" ~ text ~ ", ':', 2), 1, 2)" -%}
  {{- return("SUBSTR(CAST(100 + " ~ hour ~ " AS " ~ kind ~ "), 2, 2) || ':' || " ~ minute) -}}
{% endmacro %}
{% macro default__text_type() %}{{ return("VARCHAR") }}{% endmacro %}
{% macro spark__text_type() %}{{ return("STRING") }}{% endmacro %}

{# Day that the answers call today: the variable, or the present day in UTC. #}
{% macro today() %}
  {%- set day = var('harvest_lake_today', none) -%}
  {{- return("DATE '" ~ day ~ "'" if day else adapter.dispatch('present_day', 'harvest_lake')()) -}}
{% endmacro %}
{% macro default__present_day() %}{{ return("CURRENT_DATE") }}{% endmacro %}
{% macro duckdb__present_day() %}{{ return("CAST(NOW() AT TIME ZONE 'UTC' AS DATE)") }}{% endmacro %}

{# Whether the lake lacks none of these tables. #}
{% macro has(tables) %}{{ return(var('harvest_lake_missing', []) | select('in', tables) | list | length == 0) }}{% endmacro %}
