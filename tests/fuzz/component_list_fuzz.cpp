// SPDX-License-Identifier: GPL-2.0-or-later
// Any list is refused with an error that is safe to show, or every component has a name and versions.
#include "drivers/json/component_list.hpp"
#include "tests/fuzz/require.hpp"

using namespace sekisho;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto list = drivers::read_component_list(fuzz::text_of(data, size));
    if (!list) {
        require(fuzz::is_plain(list.error().message()), "an error is safe to show");
        return 0;
    }
    require(!list->empty(), "a list names something");
    for (const lifecycle::Component& component : *list) {
        require(!component.name.empty() && !component.version.empty() && !component.source.empty() &&
                    !component.source_version.empty(),
                "every component has a name and versions");
    }
    return 0;
}
