// See the header. What the plans were made by is not known; so all are made anew after a transaction in
// which one of these settings was another.
#include "guard/parsed_settings.h"

#include "pg/compat.h"

extern "C" {
#include "utils/guc_tables.h"
#include "utils/plancache.h"
}

namespace tg::guard {

namespace {

constexpr std::array names = {
    "array_nulls",   "bytea_output",           "DateStyle", "extra_float_digits",    "IntervalStyle",
    "lc_monetary",   "timezone_abbreviations", "TimeZone",  "transform_null_equals", "xmloption",
};

std::array<const config_generic*, names.size()> settings;

bool is_noted = false;
bool must_make_plans_anew = false;

bool is_one_set() {
    if (!settings[0])
        for (std::size_t i = 0; i < names.size(); i++) settings[i] = pg::find_setting(names[i]);
    for (const config_generic* setting : settings)
        if (setting && setting->stack) return true;
    return false;
}

// The settings are put back after these calls.
void on_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    if (is_noted && event == SUBXACT_EVENT_ABORT_SUB && is_one_set()) must_make_plans_anew = true;
}

void on_transaction_end(XactEvent event, void*) {
    if (!is_noted || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)) return;
    if (must_make_plans_anew || is_one_set()) ResetPlanCache();
    is_noted = must_make_plans_anew = false;
}

}  // namespace

void note_setting() { is_noted = true; }

void install_parsed_settings() {
    RegisterXactCallback(on_transaction_end, nullptr);
    RegisterSubXactCallback(on_subtransaction_end, nullptr);
}

}  // namespace tg::guard
