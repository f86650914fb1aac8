// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/json/support_record.hpp"

#include "drivers/json/document.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

namespace sekisho::drivers {

namespace {

using lifecycle::Core;
using lifecycle::Moment;
using lifecycle::SupportRecord;

constexpr int kMostDepth = 4;
constexpr std::size_t kMostText = 256;
constexpr std::size_t kMostShown = 40;

Error member_error(std::string place, std::string cause) {
    return Error(Domain::lifecycle, std::move(place), std::move(cause));
}

bool has_control_characters(std::string_view text) {
    while (!text.empty()) {
        const text::Character character = text::first_character(text);
        if (!character.valid || text::is_control(character.code)) {
            return true;
        }
        text.remove_prefix(character.length);
    }
    return false;
}

/// The members of one object, by name.
class Members {
public:
    /// Every member is one of `known`, and none is there twice. `prefix` stands in front of names in errors.
    static Result<Members> read(yyjson_val* object, std::string prefix, std::span<const std::string_view> known) {
        Members members(std::move(prefix));
        std::size_t index = 0;
        std::size_t count = 0;
        yyjson_val* key = nullptr;
        yyjson_val* value = nullptr;
        yyjson_obj_foreach(object, index, count, key, value) {
            const std::string_view name(yyjson_get_str(key), yyjson_get_len(key));
            const auto row = std::ranges::find(known, name);
            if (row == known.end()) {
                return std::unexpected(
                    member_error(members.place(text::escape_for_terminal(name.substr(0, kMostShown))), "is not known"));
            }
            if (members.find(*row) != nullptr) {
                return std::unexpected(member_error(members.place(name), "is there twice"));
            }
            members.m_entries.push_back({*row, value});
        }
        return members;
    }

    [[nodiscard]] std::string place(std::string_view name) const { return m_prefix + std::string(name); }

    [[nodiscard]] yyjson_val* find(std::string_view name) const {
        const auto entry = std::ranges::find(m_entries, name, &Entry::name);
        return entry == m_entries.end() ? nullptr : entry->value;
    }

    /// Nothing where it is absent.
    [[nodiscard]] Result<std::optional<std::string>> optional_text(std::string_view name) const {
        yyjson_val* value = find(name);
        if (value == nullptr) {
            return std::nullopt;
        }
        if (!yyjson_is_str(value)) {
            return std::unexpected(member_error(place(name), "is no text"));
        }
        std::string text(yyjson_get_str(value), yyjson_get_len(value));
        if (text.size() > kMostText) {
            return std::unexpected(
                member_error(place(name), text::concat("is longer than ", text::to_text(kMostText), " bytes")));
        }
        if (has_control_characters(text)) {
            return std::unexpected(member_error(place(name), "holds control characters"));
        }
        return text;
    }

    [[nodiscard]] Result<std::string> text(std::string_view name) const {
        auto found = TRY(optional_text(name));
        if (!found) {
            return std::unexpected(member_error(place(name), "is missing"));
        }
        return *std::move(found);
    }

    [[nodiscard]] Result<std::optional<Moment>> optional_moment(std::string_view name) const {
        const auto found = TRY(optional_text(name));
        if (!found) {
            return std::nullopt;
        }
        auto moment = Moment::parse(*found);
        if (!moment) {
            return std::unexpected(member_error(place(name), moment.error().cause()));
        }
        return *std::move(moment);
    }

    [[nodiscard]] Result<Moment> moment(std::string_view name) const {
        auto found = TRY(optional_moment(name));
        if (!found) {
            return std::unexpected(member_error(place(name), "is missing"));
        }
        return *std::move(found);
    }

private:
    struct Entry {
        std::string_view name;
        yyjson_val* value;
    };

    explicit Members(std::string prefix) : m_prefix(std::move(prefix)) {}

    std::string m_prefix;
    std::vector<Entry> m_entries;
};

Result<Core> read_core(yyjson_val* object) {
    static constexpr std::array<std::string_view, 6> kKnown{
        "$schema", "general_availability", "end_of_sales", "end_of_security_support", "end_of_life", "last_updated"};
    if (object == nullptr) {
        return std::unexpected(member_error("core", "is missing"));
    }
    if (!yyjson_is_obj(object)) {
        return std::unexpected(member_error("core", "is no object"));
    }
    const Members members = TRY(Members::read(object, "core.", kKnown));
    Core core;
    core.schema = TRY(members.text("$schema"));
    core.general_availability = TRY(members.optional_moment("general_availability"));
    core.end_of_sales = TRY(members.optional_moment("end_of_sales"));
    core.end_of_security_support = TRY(members.moment("end_of_security_support"));
    core.end_of_life = TRY(members.moment("end_of_life"));
    core.last_updated = TRY(members.moment("last_updated"));
    return core;
}

} // namespace

Result<SupportRecord> read_support_record(std::string_view json) {
    static constexpr std::array<std::string_view, 6> kKnown{"promised_by",         "source", "product", "version",
                                                            "end_of_full_support", "core"};
    const Document document = TRY(read_document(json, {kMostSupportRecord, kMostDepth}, Domain::lifecycle, "file"));
    yyjson_val* root = yyjson_doc_get_root(document.get());
    if (!yyjson_is_obj(root)) {
        return std::unexpected(member_error("file", "is no JSON object"));
    }
    const Members members = TRY(Members::read(root, "", kKnown));
    SupportRecord record;
    record.promised_by = TRY(members.text("promised_by"));
    record.source = TRY(members.text("source"));
    record.product = TRY(members.text("product"));
    record.version = TRY(members.text("version"));
    record.end_of_full_support = TRY(members.optional_moment("end_of_full_support"));
    record.core = TRY(read_core(members.find("core")));
    TRY(lifecycle::check(record));
    return record;
}

} // namespace sekisho::drivers
