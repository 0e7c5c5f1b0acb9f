// See the header. The setting's value is a serialisation of the claims ("1;<expires>;<has subject>;" and then
// length-prefixed fields), because a parallel worker is given the value alone and must build the
// same context from it; SHOW displays the tenant through the show hook.
#include "context/tenant_context.h"

#include <charconv>

#include "core/bytes.h"
#include "pg/compat.h"
#include "pg/hook.h"

extern "C" {
#include "access/parallel.h"
}

namespace tg::context {

using state::active;
using state::authenticated_level;
using state::role_at_authentication;

namespace {

constexpr const char* setting_name = "tenant_guard.tenant_id";
constexpr std::size_t max_digits = 20;  // of an int64, sign included

char* setting_value = nullptr;
void (*note_forgery)(const char* message) = nullptr;
bool establishing = false;
uint64 last_serial = 0;

bool read_number(std::string_view& rest, char terminator, int64& out) {
    const char* end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data(), end, out);
    if (error != std::errc{} || stop == end || *stop != terminator) return false;
    rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()) + 1);
    return true;
}

// Exactly the canonical form, 8-4-4-4-12 hexadecimal digits: uuid_in() takes more spellings, and
// raises errors, which a check hook must not.
bool read_uuid(std::string_view text, pg_uuid_t& out) {
    if (text.size() != 36) return false;
    int digits = 0;
    for (std::size_t i = 0; i < text.size(); i++) {
        const char c = text[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') return false;
            continue;
        }
        const int lower = c | 0x20;
        int value = 0;
        if (c >= '0' && c <= '9')
            value = c - '0';
        else if (lower >= 'a' && lower <= 'f')
            value = lower - 'a' + 10;
        else
            return false;
        auto& byte = out.data[digits / 2];
        byte = static_cast<unsigned char>(digits % 2 == 0 ? value << 4 : byte | value);
        digits++;
    }
    return true;
}

// One spelling for each number, so that "7" and "007" are not the same tenant in one column and two
// in another.
bool read_bigint(std::string_view text, int64& out) {
    std::string_view digits = text;
    if (has_prefix(digits, "-")) digits.remove_prefix(1);
    if (digits.empty() || (digits[0] == '0' && text != "0")) return false;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, out);
    return error == std::errc{} && stop == end;
}

}  // namespace

// The hooks of the setting.
class Setting {
  public:
    static bool check(char** value, void** extra, GucSource source) {
        *extra = nullptr;
        const std::string_view text{*value};
        // A worker is handed the leader's value; the server's own default is the empty one.
        const bool trusted = establishing || InitializingParallelWorker;
        if (text.empty() && (trusted || source == PGC_S_DEFAULT)) return true;
        if (!trusted) {
            GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
            GUC_check_errmsg("parameter \"%s\" cannot be set", setting_name);
            if (note_forgery) note_forgery(GUC_check_errmsg_string);
            GUC_check_errdetail("The tenant of a transaction comes from a verified token only.");
            GUC_check_errhint("Call tenant_guard.authenticate(jwt) in the transaction.");
            return false;
        }
        return build(text, extra);
    }

    static void assign(const char*, void* extra) { active = static_cast<TenantContext*>(extra); }

    static const char* show() {
        return active ? reinterpret_cast<const char*>(active) + active->offset_[0] : "";
    }

  private:
    static bool build(std::string_view text, void** extra) {
        if (!has_prefix(text, "1;")) return false;
        std::string_view rest = without_first(text, 2);
        int64 expires_us = 0;
        int64 has_subject = 0;
        if (!read_number(rest, ';', expires_us) || !read_number(rest, ';', has_subject)) return false;

        // Each field is followed by a NUL in the block, so that show() needs no copy.
        const std::size_t size =
            sizeof(TenantContext) + rest.size() + TenantContext::field_count;
        auto* context = static_cast<TenantContext*>(pg::setting_alloc(size));
        if (!context) return false;
        if (!fill(rest, *context)) {
            pg::setting_free(context);
            return false;
        }
        context->serial_ = ++last_serial;
        context->expires_us_ = expires_us;
        context->has_subject_ = has_subject != 0;
        context->is_uuid_ = read_uuid(context->tenant(), context->uuid_);
        context->is_bigint_ = read_bigint(context->tenant(), context->bigint_);
        *extra = context;
        return true;
    }

    static bool fill(std::string_view rest, TenantContext& out) {
        char* const block = reinterpret_cast<char*>(&out);
        std::size_t at = sizeof(TenantContext);
        for (int i = 0; i < TenantContext::field_count; i++) {
            int64 size = 0;
            if (!read_number(rest, ':', size)) return false;
            if (size < 0 || static_cast<std::size_t>(size) > rest.size()) return false;
            const auto bytes = first_of(rest, static_cast<std::size_t>(size));
            std::memcpy(block + at, bytes.data(), bytes.size());
            block[at + bytes.size()] = '\0';
            out.offset_[i] = static_cast<uint32>(at);
            out.size_[i] = static_cast<uint32>(bytes.size());
            at += bytes.size() + 1;
            rest.remove_prefix(bytes.size());
        }
        return rest.empty();
    }
};

namespace {

// Digits, and the character behind them.
char* write_number(char* at, int64 number, char terminator) {
    at = std::to_chars(at, at + max_digits, number).ptr;
    *at++ = terminator;
    return at;
}

// What Setting::build() reads. Written by hand: printf would take longer than reading the token's claims.
char* serialise(const Claims& claims) {
    const std::string_view fields[] = {claims.tenant, claims.subject, claims.kid, claims.attributes_claim,
                                       claims.payload};
    std::size_t size = sizeof "1;" + 2 * (max_digits + 1);
    for (const std::string_view field : fields) size += max_digits + 1 + field.size();
    auto* const value = static_cast<char*>(palloc(size));
    char* at = value;
    *at++ = '1';
    *at++ = ';';
    at = write_number(at, claims.expires_us, ';');
    at = write_number(at, claims.has_subject ? 1 : 0, ';');
    for (const std::string_view field : fields) {
        at = write_number(at, static_cast<int64>(field.size()), ':');
        // memcpy() may not be given a null pointer, which is what an absent claim is.
        if (!field.empty()) std::memcpy(at, field.data(), field.size());
        at += field.size();
    }
    *at = '\0';
    return value;
}

void on_transaction_end(XactEvent event, void*) {
    switch (event) {
        case XACT_EVENT_COMMIT:
        case XACT_EVENT_ABORT:
        case XACT_EVENT_PREPARE:
            authenticated_level = 0;
            break;
        default:
            break;
    }
}

void on_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    const int level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_ABORT_SUB && authenticated_level >= level) authenticated_level = 0;
    if (event == SUBXACT_EVENT_COMMIT_SUB && authenticated_level == level) authenticated_level--;
}

}  // namespace

void establish(const Claims& claims) {
    char* const value = serialise(claims);
    pg::with_flag(establishing, [value] {
        // PGC_S_SESSION: sources up to PGC_S_OVERRIDE are not transactional.
        set_config_option(setting_name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true,
                          ERROR, false);
    });
    pfree(value);
    if (authenticated_level > 0) return;
    authenticated_level = GetCurrentTransactionNestLevel();
    role_at_authentication = GetOuterUserId();
}

void install(void (*on_forgery)(const char* message)) {
    note_forgery = on_forgery;
    DefineCustomStringVariable(
        setting_name, "Shows the tenant of the running transaction.",
        "It is set by tenant_guard.authenticate() and by nothing else.", &setting_value, "",
        PGC_SUSET,
        GUC_NO_RESET_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE | pg::guc_no_reset,
        Setting::check, Setting::assign, Setting::show);
    RegisterXactCallback(on_transaction_end, nullptr);
    RegisterSubXactCallback(on_subtransaction_end, nullptr);
}

}  // namespace tg::context
