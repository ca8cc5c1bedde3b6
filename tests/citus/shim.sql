-- Citus as the macros see it, on plain PostgreSQL: its functions record what is distributed, and refuse what it refuses
-- of a table. Queries are PostgreSQL's: those that Citus refuses are for lint.py and a real cluster.
create table pg_dist_partition (
    logicalrelid regclass primary key,
    partmethod "char" not null,
    partkey text
);

create function refuse_table(relation regclass, partkey text) returns void language plpgsql as $$
declare
    index_name text;
begin
    select indexrelid::regclass into index_name
    from pg_index
    where indrelid = relation
        and (indisunique or indisexclusion)
        and not exists (
            select from pg_attribute
            where attrelid = relation and attname = partkey and attnum = any(indkey)
        );
    if found then
        raise exception 'cannot create constraint on "%"', relation using detail =
            'Distributed relations cannot have UNIQUE, EXCLUDE, or PRIMARY KEY constraints that do not include the '
            'partition column: ' || index_name;
    end if;
    if exists (select from pg_constraint where contype = 'f' and relation in (conrelid, confrelid)) then
        raise exception 'cannot create foreign key constraint: %', relation;
    end if;
    if exists (
        select from pg_attribute
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = relation
            and (attidentity <> '' or pg_get_expr(adbin, adrelid) like 'nextval(%')
    ) then
        raise exception 'serial and identity columns of % give the same number on two workers', relation;
    end if;
    if exists (select from pg_trigger where tgrelid = relation and tgname <> 'refuse_move') then
        raise exception 'triggers are not supported on distributed tables: %', relation;
    end if;
end
$$;

create function refuse_move() returns trigger language plpgsql as $$
begin
    if to_jsonb(old) -> tg_argv[0] is distinct from to_jsonb(new) -> tg_argv[0] then
        raise exception 'modifying the partition value of rows is not allowed: %.%', tg_table_name, tg_argv[0];
    end if;
    return new;
end
$$;

create function record_table(relation regclass, method "char", partkey text) returns void language plpgsql as $$
begin
    if exists (select from pg_dist_partition where logicalrelid = relation) then
        raise exception 'table "%" is already distributed', relation;
    end if;
    if (select relpersistence from pg_class where oid = relation) = 't' then
        raise exception 'cannot distribute relation "%": it is temporary', relation;
    end if;
    insert into pg_dist_partition values (relation, method, partkey);
end
$$;

create function create_distributed_table(table_name regclass, distribution_column text) returns void
language plpgsql as $$
begin
    if not exists (select from pg_attribute where attrelid = table_name and attname = distribution_column) then
        raise exception 'column "%" of relation "%" does not exist', distribution_column, table_name;
    end if;
    perform refuse_table(table_name, distribution_column);
    perform record_table(table_name, 'h', distribution_column);
    execute format(
        'create trigger refuse_move before update on %s for each row execute function refuse_move(%L)',
        table_name,
        distribution_column
    );
end
$$;

create function create_reference_table(table_name regclass) returns void language plpgsql as $$
begin
    perform record_table(table_name, 'n', null);
end
$$;

-- There is one copy of the rows here, so nothing is left on the coordinator.
create function truncate_local_data_after_distributing_table(function_truncate regclass) returns void
language plpgsql as $$
begin
    if not exists (select from pg_dist_partition where logicalrelid = function_truncate) then
        raise exception 'supplied parameter is not a distributed relation: %', function_truncate;
    end if;
end
$$;

create function undistribute_table(table_name regclass) returns void language plpgsql as $$
begin
    delete from pg_dist_partition where logicalrelid = table_name;
    execute format('drop trigger if exists refuse_move on %s', table_name);
end
$$;

create function forget_dropped() returns event_trigger language plpgsql as $$
begin
    delete from pg_dist_partition where logicalrelid::oid in (select objid from pg_event_trigger_dropped_objects());
end
$$;

create function refuse_changed() returns event_trigger language plpgsql as $$
begin
    perform refuse_table(logicalrelid, partkey) from pg_dist_partition where partmethod = 'h';
end
$$;

create event trigger forget_dropped on sql_drop execute function forget_dropped();
create event trigger refuse_changed on ddl_command_end when tag in ('CREATE INDEX', 'ALTER TABLE')
    execute function refuse_changed();
