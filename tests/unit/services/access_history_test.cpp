// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/access_history.hpp"
#include "policy/base/text.hpp"
#include "tests/unit/fakes/clinic_access.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;
using events::Field;
using fakes::typed;

namespace {

/// Reads the fields that a history shows, by the last word of their names.
class FieldReader final : public ports::EventReader {
public:
    Result<events::Event> read(std::string_view line) override {
        events::Event event;
        for (const Field field : {Field::timestamp, Field::event_action, Field::event_reason, Field::source_mac,
                                  Field::event_kind, Field::access_device}) {
            const std::string_view path = events::field_table()[static_cast<std::size_t>(field)].path;
            const std::string key = text::concat("\"", path.substr(path.rfind('.') + 1), "\":\"");
            if (const std::size_t place = line.find(key); place != std::string_view::npos) {
                const std::string_view rest = line.substr(place + key.size());
                event.set(field, std::string(rest.substr(0, rest.find('"'))));
            }
        }
        return event;
    }
};

} // namespace

TEST_GROUP(access_history) {
    fakes::ClinicAccess clinic;
    FieldReader reader;
    services::AccessHistory history{clinic.log, reader};

    void setup() override {
        clinic.begin();
    }

    ports::ControlResponse ask(std::string_view line) {
        return history.show(typed(line), clinic.request(), 540);
    }
};

TEST(access_history, tells_what_happened_to_one_device_newest_last) {
    clinic.seen(clinic.stranger);
    clinic.seen(clinic.desk);
    clinic.access.clear({"lan2", clinic.desk});
    const std::string text = ask("show access history mac 00-16-3E-00-00-50").output;
    STRCMP_CONTAINS("2 events of 00:16:3e:00:00:50", text.c_str());
    CHECK(text.find("access-granted") < text.find("access-ended"));
    STRCMP_CONTAINS("cleared", text.c_str());
    CHECK_FALSE(text.contains("not-registered"));
    const std::string json = ask("show access history mac 00:16:3e:00:00:99 --json").output;
    STRCMP_CONTAINS(R"("action":"access-refused")", json.c_str());
    STRCMP_CONTAINS(R"("alarm":false)", json.c_str());
}

TEST(access_history, is_bounded_and_says_so) {
    for (int round = 0; round < 40; ++round) {
        clinic.seen(clinic.desk);
        clinic.access.clear({"lan2", clinic.desk});
    }
    STRCMP_CONTAINS("3 events of 00:16:3e:00:00:50, the newest ones; 77 are older",
                    ask("show access history --last 3 mac 00:16:3e:00:00:50").output.c_str());
    LONGS_EQUAL(2, ask("show access history mac 00:16:3e:00:00:50 --last 0").exit_status);
    LONGS_EQUAL(2, ask("show access history mac desk").exit_status);
}

TEST(access_history, who_looked_is_in_the_log) {
    LONGS_EQUAL(0, ask("show access history mac 00:16:3e:00:00:50").exit_status);
    LONGS_EQUAL(1, clinic.files.count(R"("action":"log-read")"));
    LONGS_EQUAL(1, clinic.files.count("access history of 00:16:3e:00:00:50: 0 events read"));
    clinic.files.refuse_reading = true;
    LONGS_EQUAL(1, ask("show access history mac 00:16:3e:00:00:50").exit_status);
    LONGS_EQUAL(1, clinic.files.count("input/output error"));
}
