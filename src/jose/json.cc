#include "jose/json.h"

#include <array>
#include <cstring>

#include "jose/json_number.h"
#include "jose/json_string.h"

namespace tg::jose {
namespace {

constexpr bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void skip_space(const char*& at, const char* end) {
    while (at != end && is_space(*at)) at++;
}

bool take_char(const char*& at, const char* end, char wanted) {
    if (at == end || *at != wanted) return false;
    at++;
    return true;
}

constexpr JsonKind kind_of(char first) {
    switch (first) {
        case '{':
            return JsonKind::object;
        case '[':
            return JsonKind::array;
        case '"':
            return JsonKind::string;
        case 't':
        case 'f':
            return JsonKind::boolean;
        case 'n':
            return JsonKind::null;
        default:
            return JsonKind::number;
    }
}

// A string is its inside; everything else is as it was written.
JsonValue value_between(const char* start, const char* end) {
    const JsonKind kind = kind_of(*start);
    const auto size = static_cast<std::size_t>(end - start);
    if (kind == JsonKind::string) return {kind, {start + 1, size - 2}};
    return {kind, {start, size}};
}

// A name of an object that is still open. No string_view: its constructor would clear 16 kB for
// each token.
struct OpenName {
    const char* written;
    std::uint32_t size;
    std::uint32_t hash;

    std::string_view text() const { return {written, size}; }
};

class Checker {
  public:
    explicit Checker(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

    JsonVerdict check_document(JsonValue& out) {
        if (end_ - at_ > max_json_size) return JsonVerdict::too_complex;
        skip_space(at_, end_);
        const char* const start = at_;
        if (!check_value(0)) return verdict_;
        out = value_between(start, at_);
        skip_space(at_, end_);
        return at_ == end_ ? JsonVerdict::ok : JsonVerdict::malformed;
    }

  private:
    bool refuse(JsonVerdict verdict) {
        verdict_ = verdict;
        return false;
    }

    bool check_value(std::size_t depth) {
        if (at_ == end_) return false;
        switch (*at_) {
            case '{':
                return check_object(depth + 1);
            case '[':
                return check_array(depth + 1);
            case '"':
                return take_string(at_, end_);
            case 't':
                return check_word("true");
            case 'f':
                return check_word("false");
            case 'n':
                return check_word("null");
            default:
                return take_number(at_, end_);
        }
    }

    bool check_word(std::string_view word) {
        if (static_cast<std::size_t>(end_ - at_) < word.size()) return false;
        if (std::memcmp(at_, word.data(), word.size()) != 0) return false;
        at_ += word.size();
        return true;
    }

    bool check_array(std::size_t depth) {
        if (depth > max_json_depth) return refuse(JsonVerdict::too_complex);
        at_++;
        skip_space(at_, end_);
        if (take_char(at_, end_, ']')) return true;
        for (;;) {
            skip_space(at_, end_);
            if (!check_value(depth)) return false;
            skip_space(at_, end_);
            if (take_char(at_, end_, ']')) return true;
            if (!take_char(at_, end_, ',')) return false;
        }
    }

    bool check_object(std::size_t depth) {
        if (depth > max_json_depth) return refuse(JsonVerdict::too_complex);
        at_++;
        const std::size_t first_name = open_count_;
        skip_space(at_, end_);
        if (take_char(at_, end_, '}')) return true;
        for (;;) {
            skip_space(at_, end_);
            if (!check_name(first_name)) return false;
            skip_space(at_, end_);
            if (!take_char(at_, end_, ':')) return false;
            skip_space(at_, end_);
            if (!check_value(depth)) return false;
            skip_space(at_, end_);
            if (take_char(at_, end_, '}')) break;
            if (!take_char(at_, end_, ',')) return false;
        }
        open_count_ = first_name;
        return true;
    }

    bool check_name(std::size_t first_name) {
        const char* const start = at_;
        if (!take_string(at_, end_)) return false;
        if (open_count_ - first_name == max_object_members || member_count_ == max_document_members)
            return refuse(JsonVerdict::too_complex);
        const std::string_view name(start + 1, static_cast<std::size_t>(at_ - start) - 2);
        const std::uint32_t hash = hash_string(name);
        for (std::size_t i = first_name; i < open_count_; i++)
            if (open_[i].hash == hash && is_same_string(open_[i].text(), name))
                return refuse(JsonVerdict::duplicate_name);
        open_[open_count_++] = {name.data(), static_cast<std::uint32_t>(name.size()), hash};
        member_count_++;
        return true;
    }

    const char* at_;
    const char* end_;
    JsonVerdict verdict_ = JsonVerdict::malformed;
    std::size_t open_count_ = 0;
    std::size_t member_count_ = 0;
    OpenName
        open_[max_document_members];  // outermost object first; only the first open_count_ are set
};

// The walkers below run over text that was checked: they look for where a value ends and judge
// nothing.

// The closing quote is the first with an even number of backslashes before it.
void skip_checked_string(const char*& at, const char* end) {
    const char* const start = ++at;
    for (;;) {
        const void* const quote = std::memchr(at, '"', static_cast<std::size_t>(end - at));
        at = static_cast<const char*>(quote);
        const char* before = at;
        while (before != start && before[-1] == '\\') before--;
        at++;
        if ((at - 1 - before) % 2 == 0) return;
    }
}

void skip_checked_value(const char*& at, const char* end) {
    if (*at == '"') return skip_checked_string(at, end);
    if (*at != '{' && *at != '[') {
        while (at != end && *at != ',' && *at != '}' && *at != ']' && !is_space(*at)) at++;
        return;
    }
    int depth = 0;
    do {
        if (*at == '"') {
            skip_checked_string(at, end);
            continue;
        }
        if (*at == '{' || *at == '[') depth++;
        if (*at == '}' || *at == ']') depth--;
        at++;
    } while (depth > 0);
}

JsonValue take_checked_value(const char*& at, const char* end) {
    const char* const start = at;
    skip_checked_value(at, end);
    return value_between(start, at);
}

// Between two members or elements; false at the end.
bool take_separator(JsonCursor& rest) {
    while (rest.at != rest.end && (is_space(*rest.at) || *rest.at == ',')) rest.at++;
    return rest.at != rest.end;
}

JsonCursor inside_of(const JsonValue& value) {
    return {value.text.data() + 1, value.text.data() + value.text.size() - 1};
}

constexpr JsonCursor nothing = {nullptr, nullptr};

}  // namespace

JsonVerdict read_json(std::string_view text, JsonValue& out) {
    return Checker(text).check_document(out);
}

JsonCursor members_of(const JsonValue& object) {
    return object.kind == JsonKind::object ? inside_of(object) : nothing;
}

JsonCursor elements_of(const JsonValue& array) {
    return array.kind == JsonKind::array ? inside_of(array) : nothing;
}

bool take_member(JsonCursor& rest, JsonMember& out) {
    if (!take_separator(rest)) return false;
    out.name = take_checked_value(rest.at, rest.end);
    while (*rest.at != ':') rest.at++;
    rest.at++;
    skip_space(rest.at, rest.end);
    out.value = take_checked_value(rest.at, rest.end);
    return true;
}

bool take_element(JsonCursor& rest, JsonValue& out) {
    if (!take_separator(rest)) return false;
    out = take_checked_value(rest.at, rest.end);
    return true;
}

bool find_member(const JsonValue& object, std::string_view name, JsonValue& out) {
    JsonCursor rest = members_of(object);
    for (JsonMember member; take_member(rest, member);) {
        if (!is_string(member.name, name)) continue;
        out = member.value;
        return true;
    }
    return false;
}

}  // namespace tg::jose
