// The allow-list of the untrusted profile: names in pg_catalog, in groups with the reason that holds for
// all of a group. Only overloads that are IMMUTABLE or STABLE count, unless the group says otherwise.
// Left out on purpose: what runs SQL or reads relations given as text or OID (query_to_xml and its
// family, ts_rewrite, ts_stat, obj_description), what shows names by OID (to_regclass, pg_typeof,
// pg_describe_object), settings (current_setting, set_config), sequences, transaction ids, server and network,
// locks, notifications, large objects, statistics, files, pg_sleep, XML.
#pragma once

#include <string_view>

namespace tg::guard {

enum class Volatility { not_volatile, any };
// For everybody; for views alone, and not to be named by the client itself; with
// tenant_guard.untrusted_writes.
enum class Scope { everybody, views, writers };

struct AllowedGroup {
    const char* why;
    std::string_view names;  // separated by single spaces
    Volatility volatility = Volatility::not_volatile;
    Scope scope = Scope::everybody;
};

inline constexpr AllowedGroup allowed_groups[] = {
    {"It computes a number from its arguments.",
     "abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh bit_count cbrt ceil ceiling cos "
     "cosd cosh cot cotd degrees div erf erfc exp factorial floor gamma gcd lcm lgamma ln log log10 "
     "min_scale mod num_nonnulls num_nulls pi pow power radians round scale sign sin sind sinh sqrt tan "
     "tand tanh trim_scale trunc width_bucket"},
    {"It computes a text or bytes from its arguments.",
     "ascii bit_length btrim casefold char_length character_length chr concat concat_ws convert "
     "convert_from convert_to crc32 crc32c decode encode format get_bit get_byte initcap is_normalized left "
     "length like like_escape lower lpad ltrim md5 normalize notlike octet_length overlay parse_ident "
     "pg_collation_for position quote_ident quote_literal quote_nullable regexp_count regexp_instr "
     "regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table "
     "regexp_substr repeat replace reverse right rpad rtrim set_bit set_byte sha224 sha256 sha384 sha512 "
     "similar_escape similar_to_escape split_part starts_with string_to_array string_to_table strpos substr "
     "substring to_ascii to_bin to_hex to_oct translate unicode_assigned unistr upper"},
    {"It computes a time from its arguments and the clock of the transaction.",
     "age date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days justify_hours "
     "justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps "
     "statement_timestamp timezone to_char to_date to_number to_timestamp transaction_timestamp"},
    {"It reads the clock.", "clock_timestamp timeofday", Volatility::any},
    {"It draws a random value and keeps nothing but the state of the generator.",
     "array_sample array_shuffle gen_random_uuid random random_normal uuidv4 uuidv7", Volatility::any},
    {"It reads a uuid.", "uuid_extract_timestamp uuid_extract_version"},
    {"It builds or takes apart an array from its arguments.",
     "array_dims array_fill array_length array_lower array_ndims array_position array_positions "
     "array_remove array_replace array_reverse array_sort array_to_string array_upper cardinality "
     "enum_first enum_last enum_range generate_series generate_subscripts trim_array unnest"},
    {"It builds or takes apart JSON from its arguments.",
     "array_to_json json_array_elements json_array_elements_text json_array_length json_build_array "
     "json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object "
     "json_object_keys json_populate_record json_populate_recordset json_strip_nulls json_to_record "
     "json_to_recordset json_typeof jsonb_array_elements jsonb_array_elements_text jsonb_array_length "
     "jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path "
     "jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists "
     "jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array "
     "jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz "
     "jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax "
     "jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb"},
    {"It builds or takes apart a range from its arguments.",
     "datemultirange daterange int4multirange int4range int8multirange int8range isempty lower_inc lower_inf "
     "multirange nummultirange numrange range_merge tsmultirange tsrange tstzmultirange tstzrange upper_inc "
     "upper_inf"},
    {"It computes with points, lines and areas given as arguments.",
     "area box center circle diagonal diameter height isclosed ishorizontal isopen isparallel isperp "
     "isvertical line lseg npoints path pclose point polygon popen radius slope width"},
    {"It computes a network address from its arguments.",
     "abbrev broadcast family host hostmask inet_merge inet_same_family macaddr8_set7bit masklen netmask "
     "network set_masklen"},
    {"It searches a text given as argument.",
     "array_to_tsvector get_current_ts_config json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery "
     "plainto_tsquery querytree setweight strip to_tsquery to_tsvector ts_delete ts_filter ts_headline "
     "ts_rank ts_rank_cd tsquery_phrase tsvector_to_array websearch_to_tsquery"},
    {"It aggregates its input.",
     "any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every "
     "json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique "
     "json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict "
     "jsonb_object_agg_unique jsonb_object_agg_unique_strict max min mode percentile_cont percentile_disc "
     "range_agg range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope "
     "regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance"},
    {"It ranks its input or looks at neighbouring rows.",
     "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number"},
    {"It says who and where the client is, which the client knows.",
     "current_database current_schema current_schemas current_user session_user"},
    {"It measures a value given as argument.",
     "pg_column_compression pg_column_size pg_size_bytes pg_size_pretty"},
    {"It says whether a role has a right.",
     "has_any_column_privilege has_column_privilege has_schema_privilege has_sequence_privilege "
     "has_table_privilege pg_has_role"},
    {"The views of information_schema show with it what the role has rights on.",
     "acldefault aclexplode format_type getdatabaseencoding has_foreign_data_wrapper_privilege "
     "has_function_privilege has_server_privilege has_type_privilege pg_char_to_encoding "
     "pg_column_is_updatable pg_encoding_to_char pg_get_constraintdef pg_get_expr "
     "pg_get_function_arg_default pg_get_triggerdef pg_get_viewdef pg_is_other_temp_schema "
     "pg_my_temp_schema pg_options_to_table pg_relation_is_updatable pg_sequence_parameters",
     Volatility::not_volatile, Scope::views},
    {"It lists the time zones.", "pg_timezone_abbrevs pg_timezone_names"},
    {"Columns that number themselves call it.", "nextval", Volatility::any, Scope::writers},
};

}  // namespace tg::guard
