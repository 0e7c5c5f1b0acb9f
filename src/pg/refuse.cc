// Tokens and sessions are refused here, in one wording.
#include "pg/refuse.h"

namespace tg::pg {

namespace {

bool preloaded = false;

}  // namespace

void refuse_token(Verdict verdict) {
    const VerdictText& text = describe(verdict);
    // The statement may carry the token as a literal: keep it out of the log line of this error.
    ereport(ERROR, (errcode(MAKE_SQLSTATE(text.sqlstate[0], text.sqlstate[1], text.sqlstate[2],
                                          text.sqlstate[3], text.sqlstate[4])),
                    verdict == Verdict::expired ? errmsg("token expired") : errmsg("token refused"),
                    errdetail("%s (%.*s)", text.detail, static_cast<int>(text.reason.size()),
                              text.reason.data()),
                    text.hint ? errhint("%s", text.hint) : 0, errhidestmt(true)));
    pg_unreachable();
}

void set_preloaded() { preloaded = true; }

bool is_preloaded() { return preloaded; }

void require_preloaded() {
    if (preloaded) return;
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("tenant_guard must be loaded by \"shared_preload_libraries\""),
             errdetail("This server was started without it, so no tenant can be authenticated and "
                       "no statement is checked."),
             errhint("Add tenant_guard to \"shared_preload_libraries\" in postgresql.conf and "
                     "restart the server.")));
}

}  // namespace tg::pg
