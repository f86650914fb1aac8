// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/json/component_list.hpp"
#include "drivers/json/support_record.hpp"

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr std::string_view kGood = R"({
  "promised_by": "例 K.K.",
  "source": "https://www.example.com/lifecycle",
  "product": "Sekisho",
  "version": "0.1",
  "end_of_full_support": "2031-03-31T14:59:59Z",
  "core": {
    "$schema": "https://docs.oasis-open.org/openeox/v1.0/schema/core.json",
    "general_availability": "2026-04-01T00:00:00+09:00",
    "end_of_sales": "tba",
    "end_of_security_support": "2033-03-31T14:59:59Z",
    "end_of_life": "2033-03-31T14:59:59Z",
    "last_updated": "2026-11-23T00:00:00Z"
  }
}
)";

/// The good record with the first `from` replaced.
std::string changed(std::string_view from, std::string_view to) {
    std::string text(kGood);
    const std::size_t place = text.find(from);
    CHECK(place != std::string::npos);
    return text.replace(place, from.size(), to);
}

void refuse(const std::string& json, const std::string& message) {
    const auto result = drivers::read_support_record(json);
    CHECK_FALSE(result.has_value());
    STRCMP_EQUAL(("lifecycle: " + message).c_str(), result.error().message().c_str());
}

} // namespace

TEST_GROUP(support_record_reader){};

TEST(support_record_reader, every_member_is_taken_as_given) {
    const auto record = drivers::read_support_record(kGood);
    CHECK_TRUE(record.has_value());
    STRCMP_EQUAL("例 K.K.", record->promised_by.c_str());
    STRCMP_EQUAL("https://www.example.com/lifecycle", record->source.c_str());
    STRCMP_EQUAL("Sekisho", record->product.c_str());
    STRCMP_EQUAL("0.1", record->version.c_str());
    STRCMP_EQUAL("2031-03-31T14:59:59Z", record->end_of_full_support->text.c_str());
    STRCMP_EQUAL("2026-04-01T00:00:00+09:00", record->core.general_availability->text.c_str());
    CHECK_FALSE(record->core.end_of_sales->time.has_value());
    CHECK(record->core.end_of_life.time == parse_rfc3339("2033-03-31T14:59:59Z").value());
    STRCMP_EQUAL("2026-11-23T00:00:00Z", record->core.last_updated.text.c_str());
}

TEST(support_record_reader, optional_members_may_be_absent) {
    std::string text =
        changed("    \"general_availability\": \"2026-04-01T00:00:00+09:00\",\n    \"end_of_sales\": \"tba\",\n", "");
    text.erase(text.find("  \"end_of_full_support\""),
               std::string_view("  \"end_of_full_support\": \"2031-03-31T14:59:59Z\",\n").size());
    const auto record = drivers::read_support_record(text);
    CHECK_TRUE(record.has_value());
    CHECK_FALSE(record->end_of_full_support.has_value());
    CHECK_FALSE(record->core.general_availability.has_value());
    CHECK_FALSE(record->core.end_of_sales.has_value());
}

TEST(support_record_reader, each_needed_member_is_named_when_missing) {
    for (const char* name : {"promised_by", "source", "product", "version"}) {
        std::string text(kGood);
        const std::size_t line = text.find(std::string("  \"") + name);
        text.erase(line, text.find('\n', line) - line);
        refuse(text, std::string(name) + ": is missing");
    }
    for (const char* name : {"$schema", "end_of_security_support", "end_of_life"}) {
        std::string text(kGood);
        const std::size_t line = text.find(std::string("    \"") + name);
        text.erase(line, text.find('\n', line) - line);
        refuse(text, std::string("core.") + name + ": is missing");
    }
    refuse(changed(",\n    \"last_updated\": \"2026-11-23T00:00:00Z\"", ""), "core.last_updated: is missing");
    refuse(R"({"promised_by":"a","source":"b","product":"c","version":"1.2"})", "core: is missing");
}

TEST(support_record_reader, unknown_members_are_named) {
    refuse(changed("\"product\"", "\"produkt\""), "produkt: is not known");
    refuse(changed("\"end_of_sales\"", "\"end_of_sale\""), "core.end_of_sale: is not known");
    refuse(changed("\"end_of_sales\"", R"("\u001b[2J\n")"), R"(core.\x1b[2J\x0a: is not known)");
}

TEST(support_record_reader, members_that_are_there_twice_are_named) {
    refuse(changed("\"source\"", "\"promised_by\": \"b\", \"source\""), "promised_by: is there twice");
    refuse(changed("\"end_of_sales\": \"tba\"", "\"end_of_life\": \"2040-01-01T00:00:00Z\""),
           "core.end_of_life: is there twice");
    // an escaped name is the same name
    refuse(changed("\"end_of_sales\": \"tba\"", R"("end_of_lif\u0065": "2040-01-01T00:00:00Z")"),
           "core.end_of_life: is there twice");
    refuse(changed("  \"core\"", "  \"core\": {}, \"core\""), "core: is there twice");
}

TEST(support_record_reader, members_of_another_kind_are_named) {
    refuse(changed("\"0.1\"", "0.1"), "version: is no text");
    refuse(changed("\"tba\"", "null"), "core.end_of_sales: is no text");
    refuse(changed("\"Sekisho\"", "[\"Sekisho\"]"), "product: is no text");
    refuse(R"({"promised_by":"a","source":"b","product":"c","version":"1.2","core":"tba"})", "core: is no object");
    refuse("[]", "file: is no JSON object");
    refuse("\"tba\"", "file: is no JSON object");
}

TEST(support_record_reader, moments_in_another_form_are_named) {
    refuse(changed("2026-11-23T00:00:00Z", "2026-11-23t00:00:00Z"),
           "core.last_updated: '2026-11-23t00:00:00Z' needs a capital T and Z");
    refuse(changed("\"2033-03-31T14:59:59Z\",\n    \"end_of_life\"", "\"TBA\",\n    \"end_of_life\""),
           "core.end_of_security_support: 'TBA' is not a time like 2027-03-31T09:00:00+09:00");
    refuse(changed("2026-11-23T00:00:00Z", "tba"), "core.last_updated: is a date, never tba");
    refuse(changed("2031-03-31T14:59:59Z", "2031-06-30T23:59:60Z"),
           "end_of_full_support: '2031-06-30T23:59:60Z' names a day or time that does not exist");
    refuse(changed("2031-03-31T14:59:59Z", "tba"), "end_of_full_support: is a date or left out, never tba");
}

TEST(support_record_reader, what_nobody_promises_is_refused) {
    refuse(changed("例 K.K.", " "), "promised_by: is blank");
    refuse(changed("例 K.K.", "\u3000"), "promised_by: is blank");
}

TEST(support_record_reader, dates_out_of_order_are_named) {
    refuse(changed("2026-04-01T00:00:00+09:00", "2031-06-01T00:00:00+09:00"),
           "end_of_full_support: is earlier than core.general_availability");
    refuse(changed("2033-03-31T14:59:59Z", "2033-03-31T15:00:00Z"),
           "core.end_of_security_support: is later than core.end_of_life");
}

TEST(support_record_reader, control_characters_and_long_texts_are_refused) {
    refuse(changed("Sekisho", R"(Seki\u0000sho)"), "product: holds control characters");
    refuse(changed("例 K.K.", R"(a\u202eb)"), "promised_by: holds control characters");
    refuse(changed("例 K.K.", std::string(257, 'x')), "promised_by: is longer than 256 bytes");
    CHECK(drivers::read_support_record(changed("例 K.K.", std::string(256, 'x'))).has_value());
}

TEST(support_record_reader, what_is_no_json_is_refused) {
    for (const std::string& json :
         {std::string(), std::string("{"), std::string(kGood) + "x", changed("\"Sekisho\",", "\"Sekisho\",,"),
          changed("\"tba\",", "\"tba\", // later\n"), changed("Sekisho", "Seki\xffsho"),
          "\xef\xbb\xbf" + std::string(kGood)}) {
        CHECK_FALSE(drivers::read_support_record(json).has_value());
    }
}

TEST(support_record_reader, too_much_is_refused) {
    refuse(std::string(kGood) + std::string(16'384 - kGood.size() + 1, ' '), "file: is longer than 16384 bytes");
    CHECK(drivers::read_support_record(std::string(kGood) + std::string(16'384 - kGood.size(), ' ')).has_value());
    refuse(changed("\"tba\"", "[[[[[]]]]]"), "file: is nested too deeply");
}

TEST_GROUP(component_list_reader){};

TEST(component_list_reader, takes_name_and_versions) {
    const auto list = drivers::read_component_list(
        R"([{"package":"libc6","version":"2.41-12","architecture":"arm64","source":"glibc","source_version":"2.41-12","files":["/a"]}])");
    CHECK_TRUE(list.has_value());
    CHECK(*list == std::vector<lifecycle::Component>({{"libc6", "2.41-12", "glibc", "2.41-12", ""}}));
}

TEST(component_list_reader, takes_what_a_static_program_was_built_using) {
    const std::string head =
        R"([{"package":"busybox-static","version":"1","source":"busybox","source_version":"1","built_using":)";
    const auto list = drivers::read_component_list(head + R"(["glibc 2.41-12","libxcrypt 1:4.4.38-1"]}])");
    CHECK_TRUE(list.has_value());
    STRCMP_EQUAL("glibc 2.41-12, libxcrypt 1:4.4.38-1", list->front().built_using.c_str());
    STRCMP_EQUAL("", drivers::read_component_list(head + "[]}]").value().front().built_using.c_str());
    CHECK_FALSE(drivers::read_component_list(head + "\"glibc\"}]").has_value());
    CHECK_FALSE(drivers::read_component_list(head + "[7]}]").has_value());
}

TEST(component_list_reader, names_entry_and_member_of_what_is_wrong) {
    const auto message = [](std::string_view json) {
        const auto list = drivers::read_component_list(json);
        return list ? std::string("accepted") : list.error().message();
    };
    STRCMP_EQUAL("lifecycle: component 1: version: is no text",
                 message(R"([{"package":"a","source":"b","source_version":"c"}])").c_str());
    STRCMP_EQUAL("lifecycle: component 2: package: is no text",
                 message(R"([{"package":"a","version":"1","source":"b","source_version":"c"},7])").c_str());
    STRCMP_EQUAL("lifecycle: component 1: source: is no text",
                 message(R"([{"package":"a","version":"1","source":"","source_version":"c"}])").c_str());
    STRCMP_EQUAL("lifecycle: file: is no JSON array", message("{}").c_str());
    STRCMP_EQUAL("lifecycle: file: names no component", message("[]").c_str());
    CHECK(message("[").starts_with("lifecycle: byte "));
}
