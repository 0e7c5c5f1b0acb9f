// A statement that was prepared in the protocol is shown in pg_stat_activity whenever it is bound and whenever it is executed, as
// the client wrote it: hiding it once, when it was analyzed, is not enough. The server has no hooks there. What comes next
// has: planning and starting within Bind, running within Execute.
#pragma once

namespace tg::audit {

// To be called when this session prepares a statement with a secret in its text: from then on its statements are hidden again
// each time. Sessions that prepare none, and hand secrets over as parameters, pay nothing.
void keep_hiding();

}  // namespace tg::audit
