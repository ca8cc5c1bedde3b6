{#
    The formulas of a band: on which scale a value is judged, how far it moves by itself, and where the band ends.
    docs/anomalies.md says why.
#}

{#
    Counts have a spread of 1 at any size on this scale (Anscombe's), where nothing but chance moves them. (x + |x|) / 2
    is x from 0 on; greatest() would make a 0 of what is missing.
#}
{% macro to_scale(kind, value) -%}
    case {{ kind }} when 'counter' then 2 * sqrt(({{ value }} + abs({{ value }})) / 2 + 0.375) else {{ value }} end
{%- endmacro %}

{% macro from_scale(kind, scaled) -%}
    case
        when {{ kind }} <> 'counter' then {{ scaled }}
        when {{ scaled }} <= 2 * sqrt(0.375) then 0
        else power(({{ scaled }}) / 2, 2) - 0.375
    end
{%- endmacro %}

{#
    The standard deviation of values that change by `change` from one week to the next: 1.4826 / sqrt(2) of the median
    change, which a few odd weeks don't move; of the mean change, where more than half of them are 0.
#}
{% macro spread_of(change, condition="true") -%}
    coalesce(
        1.0484 * nullif(percentile_cont(0.5) within group (order by {{ change }}) filter (where {{ condition }}), 0),
        0.8862 * avg({{ change }}) filter (where {{ condition }})
    )
{%- endmacro %}

{# The least spread that chance gives: a count's on its scale, the change of a stock as a count's, a share's of so many. #}
{% macro spread_by_chance(subject, weeks, middle) -%}
    {%- if subject == "ratio" -%}
        {%- set share = "((least(greatest(" ~ middle ~ ", 0), 1) * here.denominator + 1) / (here.denominator + 2))" -%}
        sqrt({{ share }} * (1 - {{ share }}) / here.denominator)
    {%- elif subject == "stock" -%}
        case when {{ weeks }}.is_change then sqrt(greatest(abs({{ middle }}), 0.375)) else 0 end
    {%- else -%}
        case periods.kind when 'counter' then 1 else 0 end
    {%- endif -%}
{%- endmacro %}

{# The middle of 1 and two others, of which null is 1. #}
{% macro middle_of_1_and(one, other) -%}
    greatest(
        least(1, coalesce({{ one }}, 1)),
        least(greatest(1, coalesce({{ one }}, 1)), coalesce({{ other }}, 1))
    )
{%- endmacro %}

{#
    The band by what some `weeks` before say: its ends, and the far ends half as far again, in the metric's unit. It
    reaches from their middle to `level` times it. A change of a stock is added to the value before, and has no size of
    which anomaly_smallest_change would be a part. `suffix` _before: of the period before.

    `offset 0`: PostgreSQL would write the formulas out wherever an end is used, and plan twice as long.
#}
{% macro band(subject, weeks, level, suffix="") %}
    {%- set middle = weeks ~ ".middle" ~ suffix -%}
    {%- set base = "case when " ~ weeks ~ ".is_change then earlier.value else 0 end" -%}
    {%- set margin = "case when " ~ weeks ~ ".is_change then 0 else " ~ var("anomaly_smallest_change") ~ " end" -%}
    select
        {{ base }} + {{ from_scale("periods.kind", middle ~ " * " ~ level) }} as expected
        {%- for prefix, width in (("", var("anomaly_width")), ("far_", var("anomaly_width") * 1.5)) %},
        {{ base }} + least(
            {{ from_scale("periods.kind", "ends.low - " ~ width ~ " * ends.spread") }},
            ends.low_value - {{ margin }} * abs(ends.low_value)
        ) as {{ prefix }}lower,
        {{ base }} + greatest(
            {{ from_scale("periods.kind", "ends.high + " ~ width ~ " * ends.spread") }},
            ends.high_value + {{ margin }} * abs(ends.high_value)
        ) as {{ prefix }}upper
        {%- endfor %}
    from (
        select
            scaled.*,
            {{ from_scale("periods.kind", "scaled.low") }} as low_value,
            {{ from_scale("periods.kind", "scaled.high") }} as high_value
        from (
            select
                {{ middle }} * least({{ level }}, 1) as low,
                {{ middle }} * greatest({{ level }}, 1) as high,
                greatest(
                    {{ weeks }}.own_spread{{ suffix }},
                    {{ weeks }}.shared_spread,
                    {{ spread_by_chance(subject, weeks, middle) }}
                ) * greatest({{ level }}, 1) as spread
        ) as scaled
        offset 0
    ) as ends
    offset 0
{% endmacro %}
