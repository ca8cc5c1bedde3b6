{#
    The mechanism of the facts (docs/time.md): take what is dirty, compute it, compare, mark it as built; all in
    the one repeatable-read transaction that dbt opens for a model.

        pre_hook="{{ take_dirty() }}", incremental_strategy="replace_dirty", post_hook="{{ mark_built() }}"

    meta: period (hour_at or date_day), subject (metric or stream: what a row is dirty by, and what its definition
    is of), stamps (columns that are no part of the value), revisions (whether they are written), from_raw (whether
    it is lost where raw rows were pruned: its closed hours are never dirty again), is_large (whether it has a partition
    a month where the var partition_by_month says so). Of a mart that is built so: dirty (the condition for its rows that
    are built again), vars (those that its rows hang on).
#}

{# Whether a node takes reads: the facts, and dim_series, which is filled as they are. #}
{% macro is_fact(node) %}
    {{- return(node.resource_type == "model" and node.config.incremental_strategy in ("replace_dirty", "insert_new")) -}}
{% endmacro %}

{# The facts that a model reads, directly or through views and ephemeral models: it takes a read only after them. #}
{% macro facts_of(node) %}
    {%- set found = [] -%}
    {%- for id in node.depends_on.nodes if id in graph.nodes -%}
        {%- set parent = graph.nodes[id] -%}
        {%- if is_fact(parent) -%}
            {%- do found.append(parent.name) -%}
        {%- elif parent.config.materialized in ("view", "ephemeral") -%}
            {%- do found.extend(facts_of(parent)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found | unique | sort) }}
{% endmacro %}

{# Freeze what this fact has to build into temporary tables: taken_reads, taken_definitions, dirty_hours, dirty_days. #}
{% macro take_dirty() %}
    {#- Outside the `if`: dbt has to see them when it parses. #}
    {%- set registry, reads = ref("metrics"), source("ingest", "reads") %}
    {%- if execute %}
        {%- set exists = load_cached_relation(this) is not none %}
        {%- set is_daily = model.config.meta.period == "date_day" %}
        {%- set follows = facts_of(model) %}
        set transaction isolation level repeatable read;
        {#- LOCK takes no snapshot: after the wait we see what the other run did. A seed is reloaded by TRUNCATE. #}
        lock table {{ registry }} in access share mode;
        {%- if exists %}
            lock table {{ this }} in share row exclusive mode;
        {%- else %}
            {{ forget_built() }}
        {%- endif %}
        {{ await_definitions(registry, follows) }}
        {{ take_reads(reads, follows) }}
        {{ take_definitions(registry, is_daily) }}
        {{ take_hours(registry, reads, exists, is_daily) }}
        {%- if exists and is_partitioned() %}
            {{ make_dirty_months() }};
        {%- endif %}
    {%- endif %}
{% endmacro %}

{# A fact whose table is gone has built nothing, whatever the marks say, and its followers must follow again. #}
{% macro forget_built() %}
    {%- set lost = [this.name] %}
    {%- for node in graph.nodes.values() if is_fact(node) and this.name in facts_of(node) %}
        {%- do lost.append(node.name) %}
    {%- endfor %}
    delete from ops.built_reads where fact in ('{{ lost | join("', '") }}');
    delete from ops.built_until where fact in ('{{ lost | join("', '") }}');
    delete from ops.built_definitions where fact in ('{{ lost | join("', '") }}');
{% endmacro %}

{#
    Subjects whose definition a followed fact has not built yet: neither they nor reads of their streams are taken,
    or days would be made of hours of another definition.
#}
{% macro await_definitions(registry, follows) %}
    create temporary table awaited_definitions (subject text, stream text) on commit drop;
    {%- set facts = graph.nodes.values() | selectattr("resource_type", "equalto", "model") | selectattr("name", "in", follows) %}
    {%- for fact in facts if fact.config.meta.subject == model.config.meta.subject == "metric" %}
        insert into awaited_definitions
        select
            subject,
            unnest(array[registered.stream, followed.stream])
        from (
            select
                stream,
                metric as subject,
                {{ definition(fact.config.meta.period == "date_day") }} as definition
            from {{ registry }}
            where kind <> 'ratio'
        ) as registered
        full join (
            select
                subject,
                stream,
                definition
            from ops.built_definitions
            where fact = '{{ fact.name }}'
        ) as followed using (subject)
        where registered.definition is distinct from followed.definition;
    {%- endfor %}
{% endmacro %}

{# The read up to which a fact, this one where none is named, has built all. #}
{% macro built_until(fact=none) -%}
    coalesce((select built.read_id from ops.built_until as built where built.fact = '{{ fact or this.name }}'), 0)
{%- endmacro %}

{#
    A set of ids and, but for those long past, no watermark: sources that are read side by side finish out of order.
    `offset 0`: each mark is looked up by index, or a join would read the marks of all reads ever (of five years 0.3 s a fact).
#}
{% macro take_reads(reads, follows) %}
    create temporary table taken_reads on commit drop as
    select reads.*
    from {{ reads }} as reads
    where reads.finished_at is not null
        and not exists (
            select from ops.built_reads as built
            where built.fact = '{{ this.name }}' and built.read_id = reads.read_id
            offset 0
        )
        and reads.read_id > {{ built_until() }}
        and not exists (
            select from awaited_definitions as awaited
            where awaited.stream = reads.stream
        )
        {%- for fact in follows %}
            and exists (
                select from ops.built_reads as built
                where built.fact = '{{ fact }}' and built.read_id = reads.read_id
                offset 0
            )
        {%- endfor %};
    analyze taken_reads;
{% endmacro %}

{# The definitions of the registry. A stream's is only the zone of its days. #}
{% macro take_definitions(registry, is_daily) %}
    {%- call take_changed() %}
        {%- if model.config.meta.subject == "stream" %}
        select distinct
            stream,
            stream as subject,
            {{ stream_definition(is_daily, model.config.meta.vars) }} as definition
        from {{ registry }}
        where stream is not null
        {%- else %}
        select
            stream,
            metric as subject,
            {{ definition(is_daily) }} as definition
        from {{ registry }}
        where kind <> 'ratio'
        {%- endif %}
    {%- endcall %}
    {%- if model.config.meta.from_raw %}
        {{ refuse_closed_definitions() }}
    {%- endif %}
{% endmacro %}

{# Of subjects with their stream and definition, a query: those that are new, changed or gone (null), and not awaited. #}
{% macro take_changed() %}
    create temporary table taken_definitions on commit drop as
    select
        subject,
        registered.stream,
        registered.definition,
        built.stream as built_stream
    from (
        {{- caller() }}
    ) as registered
    full join (
        select
            subject,
            stream,
            definition
        from ops.built_definitions
        where fact = '{{ this.name }}'
    ) as built using (subject)
    where registered.definition is distinct from built.definition
        and not exists (
            select from awaited_definitions as awaited
            where awaited.subject = coalesce(registered.subject, built.subject)
        );
    analyze taken_definitions;
{% endmacro %}

{# What was pruned can't be built by another rule: stop, or a metric would be one thing before and another after. #}
{% macro refuse_closed_definitions() %}
    do $refuse$
    declare
        problem text;
    begin
        select
            format(
                '%s: its definition changed or its line is gone, and its raw rows before %s were pruned, so its hours '
                'can not be built anew. Put the line of seeds/metrics.csv (or the business_timezone) back as it was; '
                'to end the metric set status to retired, for another rule give it a new name',
                taken.subject,
                closed.until
            )
        into problem
        from taken_definitions as taken
        inner join ops.closed on closed.stream = taken.built_stream
        limit 1;
        if problem is not null then
            raise exception '%', problem;
        end if;
    end
    $refuse$;
{% endmacro %}

{#
    The hours of the taken reads; for a taken definition, all hours ever read of it, and all rows that it has.
    `exists`: a condition that the planner asks once, or it would sort all reads ever where none is taken (of five years
    1.9 s a fact).
#}
{% macro take_hours(registry, reads, exists, is_daily) %}
    {%- set meta = model.config.meta %}
    create temporary table dirty_hours on commit drop as
    select dirty.*
    from (
        select
            reads.stream,
            metrics.metric,
            hours.hour_at
        from taken_reads as reads
        left join {{ registry }} as metrics using (stream)
        cross join lateral {{ hours_of("reads") }} as hours (hour_at)
        union
        select
            metrics.stream,
            metrics.metric,
            hours.hour_at
        from taken_definitions as taken
        inner join {{ registry }} as metrics on metrics.{{ meta.subject }} = taken.subject
        inner join {{ reads }} as reads on reads.stream = metrics.stream and reads.finished_at is not null
        cross join lateral {{ hours_of("reads") }} as hours (hour_at)
        where exists (select from taken_definitions)
        {%- if exists and meta.period %}
        union
        select
            {{ "taken.subject" if meta.subject == "stream" else "metrics.stream" }},
            {{ "metrics.metric" if meta.subject == "stream" else "taken.subject" }},
            {{ day_start("rows.date_day") if is_daily else "rows.hour_at" }} as hour_at
        from taken_definitions as taken
        inner join {{ this }} as rows on rows.{{ meta.subject }} = taken.subject
        left join {{ registry }} as metrics on metrics.{{ meta.subject }} = taken.subject
        {%- endif %}
    ) as dirty
    {%- if meta.from_raw %}
    where not exists (
        select from ops.closed
        where closed.stream = dirty.stream and dirty.hour_at < closed.until
    )
    {%- endif %};
    create index on dirty_hours (hour_at, metric);
    create temporary table dirty_days on commit drop as
    select distinct
        stream,
        metric,
        {{ day_of("hour_at") }} as date_day
    from dirty_hours;
    analyze dirty_hours;
    analyze dirty_days;
{% endmacro %}

{# Mark what was taken as built. In a post-hook, since dbt's first build of a table skips the strategy. #}
{% macro mark_built() %}
    insert into ops.built_reads (fact, read_id)
    select
        '{{ this.name }}',
        read_id
    from taken_reads;
    delete from ops.built_definitions as built
    using taken_definitions as taken
    where built.fact = '{{ this.name }}' and built.subject = taken.subject;
    insert into ops.built_definitions (fact, subject, stream, definition)
    select
        '{{ this.name }}',
        subject,
        stream,
        definition
    from taken_definitions
    where definition is not null;
    {{ raise_built_until(source("ingest", "reads")) }}
    {{- analyze_months() }}
{% endmacro %}

{#
    Up to the read before the first one that is open or not built, of those that were built more than a day ago: an id is
    taken before its row is seen, so a lower one may turn up, but not a day later. What died and was repeated never ends.
#}
{% macro raise_built_until(reads) %}
    insert into ops.built_until (fact, read_id)
    select
        '{{ this.name }}',
        least(max(built.read_id), min(waiting.read_id) - 1)
    from ops.built_reads as built
    left join (
        select min(reads.read_id) as read_id
        from {{ reads }} as reads
        where reads.read_id > {{ built_until() }}
            and (reads.finished_at is not null or reads.repeated_by is null)
            and not exists (
                select from ops.built_reads as built
                where built.fact = '{{ this.name }}' and built.read_id = reads.read_id
                offset 0
            )
    ) as waiting on true
    where built.fact = '{{ this.name }}'
        and built.read_id > {{ built_until() }}
        and built.built_at < clock_timestamp() - interval '1 day'
    having max(built.read_id) is not null
    on conflict (fact) do update set read_id = greatest(built_until.read_id, excluded.read_id);
{% endmacro %}
