{# Written by dbt/generate.py; do not edit. From infra/model/report_day.sql. #}
SELECT
  {{ harvest_lake.today() }} AS today
