// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/json/component_list.hpp"

#include "drivers/json/document.hpp"
#include "policy/base/text.hpp"

#include <array>
#include <string>
#include <utility>

namespace sekisho::drivers {

namespace {

using lifecycle::Component;

constexpr int kMostDepth = 8;

struct Row {
    std::string_view name;
    std::string Component::* member;
};

constexpr std::array<Row, 4> kRows{{{"package", &Component::name},
                                    {"version", &Component::version},
                                    {"source", &Component::source},
                                    {"source_version", &Component::source_version}}};

Error list_error(std::size_t number, std::string_view member, std::string cause) {
    return Error(Domain::lifecycle,
                 text::concat("component ", text::to_text(number), member.empty() ? "" : ": ", member),
                 std::move(cause));
}

/// Texts of an array, with commas between them; empty where there is none.
Result<std::string> joined(yyjson_val* array, std::size_t number) {
    std::vector<std::string> parts;
    std::size_t index = 0;
    std::size_t count = 0;
    yyjson_val* entry = nullptr;
    if (array != nullptr && !yyjson_is_arr(array)) {
        return std::unexpected(list_error(number, "built_using", "is no array"));
    }
    yyjson_arr_foreach(array, index, count, entry) {
        if (!yyjson_is_str(entry)) {
            return std::unexpected(list_error(number, "built_using", "holds what is no text"));
        }
        parts.emplace_back(yyjson_get_str(entry), yyjson_get_len(entry));
    }
    return text::join(parts, ", ");
}

} // namespace

Result<std::vector<Component>> read_component_list(std::string_view json) {
    const Document document = TRY(read_document(json, {kMostComponentList, kMostDepth}, Domain::lifecycle, "file"));
    yyjson_val* root = yyjson_doc_get_root(document.get());
    if (!yyjson_is_arr(root)) {
        return std::unexpected(Error(Domain::lifecycle, "file", "is no JSON array"));
    }
    std::vector<Component> components;
    std::size_t index = 0;
    std::size_t count = 0;
    yyjson_val* entry = nullptr;
    yyjson_arr_foreach(root, index, count, entry) {
        Component component;
        for (const Row& row : kRows) {
            yyjson_val* value = yyjson_obj_getn(entry, row.name.data(), row.name.size()); // null for what is no object
            if (!yyjson_is_str(value) || yyjson_get_len(value) == 0) {
                return std::unexpected(list_error(index + 1, row.name, "is no text"));
            }
            component.*row.member = std::string(yyjson_get_str(value), yyjson_get_len(value));
        }
        component.built_using = TRY(joined(yyjson_obj_get(entry, "built_using"), index + 1));
        components.push_back(std::move(component));
    }
    if (components.empty()) {
        return std::unexpected(Error(Domain::lifecycle, "file", "names no component"));
    }
    return components;
}

} // namespace sekisho::drivers
