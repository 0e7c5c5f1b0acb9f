// What authentication, row security and the guard cost a client, over libpq:
//
//   client measure TOKENS ROUNDS TENANT KEYS
//                                     time, everything in turns, medians; a line for each figure
//   client lookups TOKENS FORM TABLE COUNT
//                                     COUNT key look-ups in one transaction, for callgrind to count; FORM is
//                                     prepared or planned; prints the backend's process id
//
// The server, database and role come from libpq's environment. TOKENS as test/bench/tokens.py prints it, with the keys in
// KEYS.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>

#include <libpq-fe.h>

#include "floor.h"

namespace {

using tg::bench::Floor;

using Clock = std::chrono::steady_clock;
using Values = std::vector<std::string>;

[[noreturn]] void give_up(const std::string& what) {
    std::fprintf(stderr, "bench: %s\n", what.c_str());
    std::exit(1);
}

double since(Clock::time_point began) {
    return std::chrono::duration<double, std::micro>(Clock::now() - began).count();
}

// One connection. Every answer is checked: a statement that was refused would look fast.
class Session {
  public:
    explicit Session(const char* parameters = "") : connection_(PQconnectdb(parameters)) {
        if (PQstatus(connection_) != CONNECTION_OK) give_up(PQerrorMessage(connection_));
    }
    ~Session() { PQfinish(connection_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // One simple-query message, of one statement or several; the first column of the last row.
    std::string run(const std::string& sql) { return take(PQexec(connection_, sql.c_str()), sql); }

    void prepare(const std::string& name, const std::string& sql) {
        take(PQprepare(connection_, name.c_str(), sql.c_str(), 0, nullptr), sql);
    }

    std::string execute(const std::string& name, const Values& values) {
        std::vector<const char*> raw;
        for (const std::string& value : values) raw.push_back(value.c_str());
        return take(PQexecPrepared(connection_, name.c_str(), static_cast<int>(raw.size()), raw.data(),
                                   nullptr, nullptr, 0),
                    name);
    }

    int backend() const { return PQbackendPID(connection_); }

    // Many statements, each of which returns a row: all messages are sent before an answer is read, so that
    // the backend never waits for its client. How often it would is chance, and costs instructions.
    void run_in_advance(const std::string& statement, int count) {
        std::string all;
        for (int i = 0; i < count; i++) all += statement;
        const int socket = PQsocket(connection_);
        fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK);
        for (std::size_t sent = 0; sent < all.size();) {
            const ssize_t now = send(socket, all.data() + sent, all.size() - sent, 0);
            if (now < 0) give_up("cannot send");
            sent += static_cast<std::size_t>(now);
        }
        std::string answer;
        int rows = 0;
        for (int ready = 0; ready < count;) {
            char part[16384];
            const ssize_t got = recv(socket, part, sizeof part, 0);
            if (got <= 0) give_up("the backend is gone");
            answer.append(part, static_cast<std::size_t>(got));
            std::size_t at = 0;
            while (answer.size() - at >= 5 && answer.size() - at > message_length(answer, at)) {
                if (answer[at] == 'E') give_up("refused: " + answer.substr(at + 5));
                if (answer[at] == 'D') rows++;
                if (answer[at] == 'Z') ready++;
                at += 1 + message_length(answer, at);
            }
            answer.erase(0, at);
        }
        if (rows != count) give_up("not one row for each look-up");
    }

  private:
    // Without the byte of its type.
    static std::size_t message_length(const std::string& from, std::size_t at) {
        std::size_t length = 0;
        for (std::size_t i = 1; i <= 4; i++) length = length << 8 | static_cast<unsigned char>(from[at + i]);
        return length;
    }

    std::string take(PGresult* result, const std::string& what) {
        const ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            give_up(what.substr(0, 200) + ": " + PQerrorMessage(connection_));
        std::string value;
        const int rows = PQntuples(result);
        if (rows > 0 && PQnfields(result) > 0) value = PQgetvalue(result, rows - 1, 0);
        PQclear(result);
        return value;
    }

    PGconn* connection_;
};

// Tokens by algorithm; the next one is another than the last few hundred.
class Tokens {
  public:
    explicit Tokens(const char* path) {
        std::ifstream file(path);
        for (std::string algorithm, token; file >> algorithm >> token;) all_[algorithm].push_back(token);
        if (all_.size() != 4) give_up("no tokens");
    }
    const std::string& one() const { return all_.at("HS256").front(); }
    const std::string& next(const std::string& algorithm) {
        const Values& tokens = all_.at(algorithm);
        return tokens[at_[algorithm]++ % tokens.size()];
    }
    std::string array_of(const std::string& algorithm) const {
        std::string array = "{";
        for (const std::string& token : all_.at(algorithm)) array += token + ",";
        array.back() = '}';
        return array;
    }
    const Values& all(const std::string& algorithm) const { return all_.at(algorithm); }
    std::size_t count() const { return all_.at("HS256").size(); }

  private:
    std::map<std::string, Values> all_;
    std::map<std::string, std::size_t> at_;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// What is measured side by side: each once per round, in an order that every round shuffles anew, since what ran before
// (a long statement, say) leaves its traces in the caches. `measure` returns microseconds.
struct Variant {
    std::string name;
    std::function<double()> measure;
    std::vector<double> samples = {};
};

// Prints the medians; each variant has its samples afterwards, one for each round.
void run_in_turns(std::vector<Variant>& variants, int rounds) {
    for (Variant& variant : variants)
        for (int i = 0; i < 7; i++) variant.measure();  // until the server has settled on a plan
    std::vector<Variant*> order;
    for (Variant& variant : variants) order.push_back(&variant);
    std::mt19937 random(1);
    for (int round = 0; round < rounds; round++) {
        std::shuffle(order.begin(), order.end(), random);
        for (Variant* variant : order) variant->samples.push_back(variant->measure());
    }
    for (const Variant& variant : variants)
        std::printf("%s\t%.3f\n", variant.name.c_str(), median(variant.samples));
}

void run_in_turns(std::vector<Variant>&& variants, int rounds) { run_in_turns(variants, rounds); }

// How much more one takes than the other: the median of the differences within a round. The machine's speed changes from
// minute to minute, and a small difference of two medians would mostly be that.
double difference(const Variant& more, const Variant& less) {
    std::vector<double> differences;
    for (std::size_t round = 0; round < more.samples.size(); round++)
        differences.push_back(more.samples[round] - less.samples[round]);
    return median(differences);
}

template <typename Work>
double time_of(Work work) {
    const auto began = Clock::now();
    work();
    return since(began);
}

// Microseconds of processor time that the backend has used: what others do on the machine is not in it.
// For statements that take long enough to be interrupted by them. Complete once the backend waits for us.
double processor_time(const Session& session) {
    std::ifstream file("/proc/" + std::to_string(session.backend()) + "/schedstat");
    double nanoseconds = 0;
    if (!(file >> nanoseconds)) give_up("no processor time of the backend");
    return nanoseconds / 1000;
}

template <typename Work>
double processor_time_of(const Session& session, Work work) {
    const double began = processor_time(session);
    work();
    return processor_time(session) - began;
}

// Microseconds of processor time that this thread has used.
double own_processor_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// OpenSSL alone on the tokens that the server is given.
class FloorOfTokens {
  public:
    FloorOfTokens(const Tokens& tokens, const char* algorithm, const std::string& key)
        : floor_(*tg::jose::find_algorithm(std::string(algorithm) == "EdDSA" ? "EdDSA-Ed25519" : algorithm), key) {
        for (const std::string& token : tokens.all(algorithm)) tokens_.push_back(floor_.read(token));
    }
    double time_per_token() const {
        const double began = own_processor_time();
        for (const Floor::Signed& token : tokens_)
            if (!floor_.verify(token)) give_up("a token that does not verify");
        return (own_processor_time() - began) / static_cast<double>(tokens_.size());
    }

  private:
    Floor floor_;
    std::vector<Floor::Signed> tokens_;
};

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    if (text.str().empty()) give_up("cannot read " + path);
    return text.str();
}

// Per call, inside the server: one statement that calls many times, less the same with a call that does
// nothing, and less what OpenSSL alone takes for the same tokens at the same time.
void measure_calls(Tokens& tokens, const std::string& keys, int rounds) {
    Session session;
    const double count = static_cast<double>(tokens.count());
    const std::string many = "FROM unnest($1::text[]) AS token";
    session.prepare("nothing", "SELECT count(octet_length(token)) " + many);
    session.prepare("authenticate", "SELECT count(tenant_guard.authenticate(token)) " + many);
    session.prepare("pgcrypto", "SELECT count(*) " + many +
                                    ", verify_in_sql(token, current_setting('bench.secret')) WHERE valid");
    session.prepare("judged_in_sql", "SELECT valid FROM verify_in_sql($1, current_setting('bench.secret') || $2)");
    if (session.execute("judged_in_sql", {tokens.one(), ""}) != "t") give_up("the verifier in SQL takes no token");
    if (session.execute("judged_in_sql", {tokens.one(), "x"}) != "f") give_up("the verifier in SQL takes every token");
    session.prepare("same", "SELECT count(tenant_guard.authenticate($1)) FROM generate_series(1, 1000)");
    session.prepare("nothing_same", "SELECT count(octet_length($1)) FROM generate_series(1, 1000)");
    const auto per_call = [&](const char* statement, const std::string& argument, double calls) {
        session.run("BEGIN");
        const double spent = processor_time_of(session, [&] { session.execute(statement, {argument}); });
        session.run("COMMIT");
        return spent / calls;
    };
    std::vector<Variant> variants = {
        {"calls/nothing_same", [&] { return per_call("nothing_same", tokens.one(), 1000); }},
        {"calls/cached", [&] { return per_call("same", tokens.one(), 1000); }},
        {"calls/pgcrypto", [&] { return per_call("pgcrypto", tokens.array_of("HS256"), count); }},
    };
    const std::pair<const char*, const char*> keys_of[] = {
        {"HS256", "hs.txt"}, {"RS256", "rs.pub.pem"}, {"ES256", "es.pub.pem"}, {"EdDSA", "ed.pub.pem"}};
    std::vector<std::unique_ptr<FloorOfTokens>> floors;
    for (const auto& [algorithm, file] : keys_of) {
        std::string key = read_file(keys + "/" + file);
        if (file == std::string("hs.txt")) key.pop_back();  // its last line feed is no part of the secret
        floors.push_back(std::make_unique<FloorOfTokens>(tokens, algorithm, key));
        const std::string name = std::string("calls/") + algorithm;
        const std::string all = tokens.array_of(algorithm);
        variants.push_back({name, [=] { return per_call("authenticate", all, count); }});
        variants.push_back({name + "/nothing", [=] { return per_call("nothing", all, count); }});
        variants.push_back({name + "/floor", [floor = floors.back().get()] { return floor->time_per_token(); }});
    }
    run_in_turns(variants, std::max(9, rounds / 10));
    // Of each algorithm: ours, nothing, and the floor, in each round.
    for (std::size_t ours = 3; ours < variants.size(); ours += 3) {
        std::vector<double> added;
        for (std::size_t round = 0; round < variants[ours].samples.size(); round++)
            added.push_back(variants[ours].samples[round] - variants[ours + 1].samples[round] - variants[ours + 2].samples[round]);
        std::printf("%s/added\t%.3f\n", variants[ours].name.c_str(), median(added));
    }
}

// The first call of a new connection, and the first of something that is no work at all.
void measure_fresh_backend(const Tokens& tokens, int rounds) {
    const auto first = [&](const std::string& statement) {
        Session session;
        session.run("BEGIN");
        return processor_time_of(session, [&] { session.run(statement); });
    };
    run_in_turns({{"fresh/authenticate",
                   [&] { return first("SELECT tenant_guard.authenticate('" + tokens.one() + "')"); }},
                  {"fresh/nothing", [&] { return first("SELECT octet_length('" + tokens.one() + "')"); }}},
                 std::max(15, rounds / 20));
}

std::string eight_settings(const std::string& tenant) {
    return "SELECT set_config('search_path', 'public', true), set_config('app.tenant', '" + tenant +
           "', true), set_config('request.jwt.claims', '{\"sub\":\"user_8c2f\"}', true), "
           "set_config('request.method', 'GET', true), set_config('request.path', '/items', true), "
           "set_config('request.headers', '{\"accept\":\"application/json\"}', true), "
           "set_config('request.cookies', '{}', true), set_config('request.role', 'web', true)";
}

// One row by its key, in a transaction. `before` is the statement between BEGIN and the look-up, if any.
struct Transaction {
    std::string name;
    std::string before;                   // with $1 for its argument
    std::function<std::string()> argument;
    std::string table;
};

std::string literal_of(std::string statement, const std::string& argument) {
    const std::size_t at = statement.find("$1");
    if (at != std::string::npos) statement.replace(at, 2, "'" + argument + "'");
    return statement;
}

std::vector<Transaction> all_transactions(Tokens& tokens, const std::string& tenant) {
    const std::string authenticate = "SELECT tenant_guard.authenticate($1)";
    const auto same = [&tokens] { return tokens.one(); };
    const auto nothing = [] { return std::string(); };
    std::vector<Transaction> transactions = {
        {"base", "", nothing, "plain"},
        {"empty_statement", "SELECT octet_length($1)", same, "plain"},
        {"set_config", "SELECT set_config('app.tenant', $1, true)", [tenant] { return tenant; }, "handwritten"},
        {"postgrest", eight_settings(tenant), nothing, "handwritten"},
        {"pgcrypto",
         "SELECT set_config('app.tenant', payload->>'tenant_id', true) "
         "FROM verify_in_sql($1, current_setting('bench.secret')) WHERE valid",
         [&tokens] { return tokens.next("HS256"); }, "handwritten"},
        {"cached", authenticate, same, "items"},
    };
    for (const char* algorithm : {"HS256", "RS256", "ES256", "EdDSA"})
        transactions.push_back(
            {algorithm, authenticate, [&tokens, algorithm] { return tokens.next(algorithm); }, "items"});
    return transactions;
}

std::string look_up_of(const Transaction& transaction) { return "SELECT v FROM " + transaction.table + " WHERE id = "; }

void prepare(Session& session, const Transaction& transaction) {
    session.prepare(transaction.name + "_look_up", look_up_of(transaction) + "$1");
    if (!transaction.before.empty()) session.prepare(transaction.name + "_before", transaction.before);
}

void run_prepared(Session& session, const Transaction& transaction, const std::string& argument) {
    const bool has_argument = transaction.before.find("$1") != std::string::npos;
    session.run("BEGIN");
    if (!transaction.before.empty())
        session.execute(transaction.name + "_before", has_argument ? Values{argument} : Values{});
    session.execute(transaction.name + "_look_up", {"500"});
    session.run("COMMIT");
}

void run_simple(Session& session, const Transaction& transaction, const std::string& argument) {
    const std::string before = literal_of(transaction.before, argument);
    session.run("BEGIN");
    if (!before.empty()) session.run(before);
    session.run(look_up_of(transaction) + "500");
    session.run("COMMIT");
}

void run_as_one_message(Session& session, const Transaction& transaction, const std::string& argument) {
    const std::string before = literal_of(transaction.before, argument);
    session.run("BEGIN; " + before + (before.empty() ? "" : "; ") + look_up_of(transaction) + "500; COMMIT");
}

struct Form {
    const char* name;
    void (*run)(Session&, const Transaction&, const std::string&);
};
constexpr Form forms[] = {{"prepared", run_prepared}, {"simple", run_simple}, {"one_message", run_as_one_message}};

void measure_transactions(const std::vector<Transaction>& transactions, int rounds) {
    Session session;
    std::vector<Variant> variants;
    for (const Transaction& each : transactions) {
        prepare(session, each);
        for (const Form& form : forms)
            variants.push_back({"transaction/" + std::string(form.name) + "/" + each.name, [&] {
                                    const std::string argument = each.argument();
                                    return time_of([&] { form.run(session, each, argument); });
                                }});
    }
    run_in_turns(std::move(variants), rounds * 4);
}

// What knowing the tenant costs the server: processor time of the backend for one of many such transactions, as a backend
// of a pool runs them.
Variant cost_of(Session& session, const Form& form, const Transaction& transaction, const std::string& kind) {
    constexpr int in_a_row = 50;
    return {kind + "/" + form.name + "/" + transaction.name, [&session, &form, &transaction] {
                return processor_time_of(session, [&] {
                           for (int i = 0; i < in_a_row; i++) form.run(session, transaction, transaction.argument());
                       }) /
                       in_a_row;
            }};
}

void measure_cost(const std::vector<Transaction>& transactions, int rounds) {
    Session session;
    std::vector<Variant> variants;
    for (const Transaction& each : transactions) {
        prepare(session, each);
        for (const Form& form : forms) variants.push_back(cost_of(session, form, each, "cost"));
    }
    run_in_turns(variants, std::max(9, rounds / 8));
}

// Of these, what verification adds: against a tenant that nobody verified, and against none.
void measure_verification(const std::vector<Transaction>& transactions, int rounds) {
    const auto named = [&](const char* name) -> const Transaction& {
        return *std::find_if(transactions.begin(), transactions.end(), [&](const Transaction& each) { return each.name == name; });
    };
    Session session;
    for (const char* name : {"set_config", "empty_statement", "HS256", "pgcrypto"}) prepare(session, named(name));
    for (const Form& form : forms) {
        std::vector<Variant> variants;
        for (const char* name : {"set_config", "empty_statement", "HS256", "pgcrypto"})
            variants.push_back(cost_of(session, form, named(name), "verification"));
        run_in_turns(variants, rounds / 2);
        for (const auto& [less, what] : {std::pair{0, "unverified"}, std::pair{1, "nothing"}})
            for (const auto& [more, by] : {std::pair{2, "HS256"}, std::pair{3, "pgcrypto"}})
                std::printf("verification/%s/%s_more_than_%s\t%.3f\n", form.name, by, what,
                            difference(variants[static_cast<std::size_t>(more)], variants[static_cast<std::size_t>(less)]));
    }
}

// What such a setting holds: the claims of an ordinary token.
std::string claims_of(const std::string& tenant) {
    return R"({"iss":"https://auth.example.com/auth/v1","sub":"8c2f6a1e-55d0-4f0e-9d0e-2f6b8a1c7d11",)"
           R"("aud":"authenticated","exp":4102444800,"iat":1717100000,"email":"user@example.com","phone":"",)"
           R"("app_metadata":{"provider":"email","providers":["email"],"tenant_id":")" +
           tenant + R"("},"user_metadata":{},"role":"authenticated","aal":"aal1",)"
                    R"("amr":[{"method":"password","timestamp":1717100000}],)"
                    R"("session_id":"c0a8012e-6a1f-4d5a-9a55-5a3f0e5a7d11","is_anonymous":false})";
}

// Two sessions: the guard refuses the other tables to a transaction that authenticated.
double rows_estimated(Session& session, const std::string& query) {
    const std::string plan = session.run("EXPLAIN (FORMAT JSON) " + query);
    return std::atof(plan.c_str() + plan.find("\"Plan Rows\": ") + 13);
}

void measure_row_security(const Tokens& tokens, const std::string& tenant, int rounds) {
    Session guarded, open, unrestricted("user=postgres");
    for (Session* session : {&guarded, &open, &unrestricted})
        session->run("SET max_parallel_workers_per_gather = 0; SET jit = off");
    guarded.run("BEGIN");
    guarded.run("SELECT tenant_guard.authenticate('" + tokens.one() + "')");
    open.run("SELECT set_config('app.tenant', '" + tenant + "', false), "
             "set_config('request.jwt.claims', '" + claims_of(tenant) + "', false)");
    struct Way {
        const char* name;
        Session& session;
        std::string table, condition;
    };
    const std::vector<Way> ways = {
        {"literal", open, "plain", "tenant_id = '" + tenant + "'"},
        {"ours", guarded, "items", ""},
        {"current_setting", open, "handwritten", ""},
        {"claims", open, "from_claims", ""},
    };
    std::vector<Variant> scans, look_ups, plannings;
    for (const Way& way : ways) {
        const std::string where = way.condition.empty() ? "" : " WHERE " + way.condition;
        const std::string and_so = way.condition.empty() ? "" : " AND " + way.condition;
        const std::string scan = "SELECT count(*) FROM " + way.table + where;
        const std::string look_up = "SELECT v FROM " + way.table + " WHERE id = $1" + and_so;
        const std::string explained =
            "EXPLAIN (SUMMARY) SELECT v FROM " + way.table + " WHERE id = 500" + and_so;
        const std::string name = way.name;
        Session& session = way.session;
        session.prepare(name, look_up);
        scans.push_back({"scan/" + name, [&session, scan] {
                             return processor_time_of(session, [&] { session.run(scan); });
                         }});
        look_ups.push_back({"look_up/" + name, [&session, name] {
                                return time_of([&] {
                                    for (int i = 0; i < 10; i++) session.execute(name, {"500"});
                                }) / 10;
                            }});
        // The last line: "Planning Time: 0.061 ms".
        plannings.push_back({"planning/" + name, [&session, explained] {
                                const std::string line = session.run(explained);
                                return std::atof(line.c_str() + line.find(':') + 1) * 1000;
                            }});
        // Against a literal on the same table, for the superuser: ANALYZE draws another sample of each table.
        const double by_literal = rows_estimated(unrestricted, "SELECT v FROM " + way.table + " WHERE tenant_id = '" + tenant + "'");
        std::printf("estimate/%s\t%f\n", way.name,
                    rows_estimated(session, "SELECT v FROM " + way.table + where) / by_literal);
    }
    run_in_turns(std::move(scans), std::max(7, rounds / 100));
    run_in_turns(std::move(look_ups), rounds);
    run_in_turns(std::move(plannings), rounds);
}

// A number in the protocol's byte order.
std::string number(std::size_t value, int bytes) {
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xFF);
    return text;
}

std::string message(char type, const std::string& body) { return type + number(body.size() + 4, 4) + body; }

const std::string nul(1, '\0');

// As libpq sends them (PostgreSQL's manual, "Message Formats").
std::string simple_query(const std::string& sql) { return message('Q', sql + nul); }

std::string execution(const std::string& name, const std::string& value) {
    const std::string parameters = number(0, 2) + number(1, 2) + number(value.size(), 4) + value;
    return message('B', nul + name + nul + parameters + number(0, 2)) + message('D', "P" + nul) +
           message('E', nul + number(0, 4)) + message('S', "");
}

void look_up(const Tokens& tokens, const std::string& form, const std::string& table, int count) {
    Session session;
    std::printf("%d\n", session.backend());
    session.run("BEGIN");
    // What is measured without the library has no authenticate().
    if (std::getenv("BENCH_AUTHENTICATES"))
        session.run("SELECT tenant_guard.authenticate('" + tokens.one() + "')");
    session.prepare("look_up", "SELECT v FROM " + table + " WHERE id = $1");
    session.run_in_advance(form == "prepared" ? execution("look_up", "500")
                                              : simple_query("SELECT v FROM " + table + " WHERE id = 500"),
                           count);
    session.run("COMMIT");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) give_up("usage: client measure|lookups TOKENS ...");
    Tokens tokens(argv[2]);
    if (std::string(argv[1]) == "lookups") {
        look_up(tokens, argv[3], argv[4], std::atoi(argv[5]));
        return 0;
    }
    const int rounds = std::atoi(argv[3]);
    const std::string tenant = argv[4];
    measure_calls(tokens, argv[5], rounds);
    measure_fresh_backend(tokens, rounds);
    const std::vector<Transaction> transactions = all_transactions(tokens, tenant);
    measure_transactions(transactions, rounds);
    measure_cost(transactions, rounds);
    measure_verification(transactions, rounds);
    measure_row_security(tokens, tenant, rounds);
}
