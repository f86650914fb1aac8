// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/configuration.hpp"

#include "policy/base/sha256.hpp"
#include "policy/config/parser.hpp"
#include "policy/model/build.hpp"

namespace sekisho::services {

std::shared_ptr<const Configuration> load_configuration(std::string_view text, const ClockReading& clock,
                                                        Diagnostics& diagnostics, model::Purpose purpose) {
    auto tree = config::parse(text, diagnostics);
    if (!tree) {
        return nullptr;
    }
    auto model = model::build_model(*tree, clock, diagnostics, purpose);
    if (!model) {
        return nullptr;
    }
    auto configuration = std::make_shared<Configuration>();
    configuration->text = text;
    configuration->digest = sha256_hex(text);
    configuration->tree = std::move(*tree);
    configuration->model = std::move(*model);
    return configuration;
}

} // namespace sekisho::services
