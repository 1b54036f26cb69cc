{# Key of several columns: no two rows have the same, nulls compared like values. #}
{% test unique_key(model, columns) %}
SELECT {{ columns | join(', ') }}, COUNT(*) AS number_of_rows
FROM {{ model }}
GROUP BY {{ columns | join(', ') }}
HAVING COUNT(*) > 1
{% endtest %}
