// The tenant of the transaction. It rides on the setting tenant_guard.tenant_id, so that COMMIT,
// ROLLBACK, savepoints and parallel workers are PostgreSQL's own doing and not a copy of it; a
// check hook sees to it that nobody but establish() assigns that setting (docs/threat-model.md, "The
// context").
#pragma once

#include "pg/clock.h"
#include "pg/server.h"

extern "C" {
#include "utils/uuid.h"
}

namespace tg::context {

// Parsed once when the setting is assigned; a flat block in the setting's `extra`, which the server
// frees. All views point into the block itself.
class TenantContext {
  public:
    std::string_view tenant() const { return field(0); }
    std::string_view subject() const { return field(1); }
    std::string_view kid() const { return field(2); }
    std::string_view attributes_claim() const { return field(3); }
    std::string_view payload() const { return field(4); }  // verified JSON text

    bool has_subject() const { return has_subject_; }
    // Unix microseconds, leeway included; INT64_MAX for a token without `exp`.
    int64 expires_us() const { return expires_us_; }
    // The tenant id in another type; null when it is not written in that type.
    const pg_uuid_t* uuid() const { return is_uuid_ ? &uuid_ : nullptr; }
    const int64* bigint() const { return is_bigint_ ? &bigint_ : nullptr; }
    // Differs from the serial of every other context of this backend: the key for what is derived
    // from a context and remembered.
    uint64 serial() const { return serial_; }

  private:
    friend class Setting;
    static constexpr int field_count = 5;

    std::string_view field(int index) const {
        return {reinterpret_cast<const char*>(this) + offset_[index], size_[index]};
    }

    uint64 serial_;
    int64 expires_us_;
    bool has_subject_;
    bool is_uuid_;
    bool is_bigint_;
    pg_uuid_t uuid_;
    int64 bigint_;
    uint32 offset_[field_count];
    uint32 size_[field_count];
};

// What a verified token says.
struct Claims {
    std::string_view tenant;
    std::string_view subject;
    bool has_subject;
    std::string_view kid;
    std::string_view attributes_claim;
    std::string_view payload;
    int64 expires_us;
};

namespace state {
// Written by the setting's assign hook, and by nothing else.
inline const TenantContext* active = nullptr;
// The nesting level of the (sub)transaction whose end takes the authentication with it; 0 when this
// transaction did not authenticate. The setting's own stack says the same, unless somebody reset it.
inline int authenticated_level = 0;
inline Oid role_at_authentication = InvalidOid;
}  // namespace state

// The context of the running transaction, or null. Asked per row, and several times per statement.
inline const TenantContext* current() { return state::active; }

// Makes `claims` the context until the transaction, or the subtransaction that this runs in, ends.
// Fails in a parallel operation, as assigning any setting does.
void establish(const Claims& claims);

// True when this transaction authenticated and the context is gone without a rollback to before: the
// setting was reset behind our back. The guard refuses to go on, because "no context" would make the
// transaction look like one that never authenticated.
inline bool is_lost() { return !state::active && state::authenticated_level > 0; }

// The role that SET ROLE had made when the transaction authenticated. Not known in parallel workers.
inline Oid authenticated_role() { return state::role_at_authentication; }

inline bool is_expired(const TenantContext& context) { return pg::has_come(context.expires_us()); }

// Defines the setting and the transaction callbacks. Called once, from _PG_init. `on_forgery` is called when
// somebody tries to set the context, before the server raises the error; it must not raise one.
void install(void (*on_forgery)(const char* message));

}  // namespace tg::context
