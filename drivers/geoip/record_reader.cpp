// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/geoip/record_reader.hpp"

#include <string_view>

namespace sekisho::drivers::geoip {

namespace {

// The largest records in use (cities in eight languages) hold about two hundred values, metadata about thirty.
constexpr std::uint32_t kMostValues = 1'000;
constexpr std::size_t kMostText = 64u << 10;
constexpr unsigned kDeepest = 16;

/// libmaxminddb walks over whatever stands in front of the key that it is asked for, however much that is. So values
/// are read one by one here, and counted.
class ValueReader {
public:
    explicit ValueReader(const MMDB_s& mmdb) : m_mmdb(&mmdb) {}

    struct Value {
        MMDB_entry_data_s data{};
        std::uint32_t next = 0;  ///< behind it where it holds no others, or behind the pointer that led to it
        bool is_pointed = false; ///< its contents lie elsewhere

        [[nodiscard]] bool is_map() const noexcept { return data.type == MMDB_DATA_TYPE_MAP; }

        [[nodiscard]] std::uint32_t parts() const noexcept {
            return is_map() ? 2 * data.data_size : data.type == MMDB_DATA_TYPE_ARRAY ? data.data_size : 0;
        }

        [[nodiscard]] std::optional<std::string_view> text() const noexcept {
            if (data.type != MMDB_DATA_TYPE_UTF8_STRING) {
                return std::nullopt;
            }
            return std::string_view(data.utf8_string, data.data_size);
        }
    };

    /// Nothing where the bytes are damaged or the limit is reached.
    std::optional<Value> at(std::uint32_t offset) {
        constexpr const char* kHere[] = {nullptr};
        MMDB_entry_s entry{m_mmdb, offset};
        Value value;
        if (++m_values > kMostValues || MMDB_aget_value(&entry, &value.data, kHere) != MMDB_SUCCESS ||
            value.data.data_size > m_mmdb->data_section_size) {
            return std::nullopt;
        }
        value.is_pointed = value.data.offset != offset;
        // control byte and one to four more (their number is in bits 3 and 4)
        value.next =
            value.is_pointed ? offset + 2 + (m_mmdb->data_section[offset] >> 3 & 3) : value.data.offset_to_next;
        return value;
    }

    /// Where the next value begins.
    std::optional<std::uint32_t> skip(const Value& value) {
        std::uint32_t offset = value.next;
        std::uint64_t waiting = value.is_pointed ? 0 : value.parts();
        for (; waiting > 0; --waiting) {
            const auto part = at(offset);
            if (!part) {
                return std::nullopt;
            }
            offset = part->next;
            waiting += part->is_pointed ? 0 : part->parts();
        }
        return offset;
    }

    /// Visits a value and all that it holds; false where something is damaged or the limits are reached.
    bool visit(std::uint32_t& offset, unsigned deepest) {
        const auto value = at(offset);
        if (!value || deepest == 0) {
            return false;
        }
        m_text += value->text().value_or("").size();
        if (m_text > kMostText) {
            return false;
        }
        std::uint32_t inside = value->data.offset_to_next;
        for (std::uint32_t i = 0; i < value->parts(); ++i) {
            if (!visit(inside, deepest - 1)) {
                return false;
            }
        }
        offset = value->is_pointed || value->parts() == 0 ? value->next : inside;
        return true;
    }

    [[nodiscard]] std::uint32_t values() const noexcept { return m_values; }

private:
    const MMDB_s* m_mmdb;
    std::uint32_t m_values = 0;
    std::size_t m_text = 0;
};

/// Calls `take(key, value)` for the members of a map until it returns false; false where the map is damaged.
template <typename Take>
bool each_member(ValueReader& reader, const ValueReader::Value& map, Take take) {
    std::uint32_t offset = map.data.offset_to_next;
    for (std::uint32_t i = 0; i < map.data.data_size; ++i) {
        const auto key = reader.at(offset);
        const auto name = key ? key->text() : std::nullopt;
        const auto value = name ? reader.at(key->next) : std::nullopt;
        if (!value) {
            return false;
        }
        if (!take(*name, *value)) {
            return true;
        }
        const auto next = reader.skip(*value);
        if (!next) {
            return false;
        }
        offset = *next;
    }
    return true;
}

/// Marks that databases use for "unknown" (ISO 3166-1 leaves both to its users).
bool is_unknown_mark(std::string_view code) {
    return code == "ZZ" || code == "XX";
}

std::optional<CountryCode> code_of(const ValueReader::Value& value) {
    const auto text = value.text();
    return text && !is_unknown_mark(*text) ? CountryCode::from_letters(*text) : std::nullopt;
}

} // namespace

bool is_small(const MMDB_s& section, std::uint32_t offset) {
    return ValueReader(section).visit(offset, kDeepest);
}

const RecordReader::Answer& RecordReader::country_of(std::uint32_t offset) {
    Known& known = m_known[(offset * 2'654'435'761u >> 16) % kKnown];
    if (known.offset != offset) {
        known = {offset, read(offset)};
    }
    return known.answer;
}

/// `country.iso_code` (MaxMind, DB-IP), `country_code` (flat databases) or a code as `country` itself (IPinfo): the
/// first of them that is there.
RecordReader::Answer RecordReader::read(std::uint32_t offset) {
    ValueReader reader(*m_mmdb);
    Answer answer;
    const auto take_nested = [&](std::string_view name, const ValueReader::Value& value) {
        answer.country = name == "iso_code" ? code_of(value) : std::nullopt;
        return name != "iso_code";
    };
    const auto take = [&](std::string_view name, const ValueReader::Value& value) {
        if (name == "country_code" || (name == "country" && !value.is_map())) {
            answer.country = code_of(value);
        } else if (name == "country") {
            answer.is_damaged = !each_member(reader, value, take_nested);
        }
        return !answer.country && !answer.is_damaged;
    };
    const auto record = reader.at(offset);
    if (!record || (record->is_map() && !each_member(reader, *record, take))) {
        answer.is_damaged = true;
    }
    m_effort += reader.values();
    return answer.is_damaged ? Answer{std::nullopt, true} : answer;
}

} // namespace sekisho::drivers::geoip
