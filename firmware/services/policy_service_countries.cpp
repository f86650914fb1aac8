// SPDX-License-Identifier: GPL-2.0-or-later
// The part of PolicyService that asks the country database what lists of countries stand for.
#include "firmware/services/policy_service.hpp"
#include "policy/base/text.hpp"
#include "policy/ruleset/compiler.hpp"

#include <algorithm>
#include <iterator>

namespace sekisho::services {

Result<ruleset::Ruleset> PolicyService::compile(const model::Model& model, const ClockReading& clock) {
    return ruleset::compile(model, clock, TRY(m_countries.contents(model)));
}

/// What the lists of a configuration that is to be applied stand for; adds what is wrong with them.
Result<geo::Contents> PolicyService::countries_of(const Configuration& configuration, Diagnostics& diagnostics) {
    auto contents = TRY(m_countries.contents(configuration.model));
    refuse_absent(configuration, absent_countries(contents), diagnostics);
    if (std::string old = m_countries.age_warning(configuration.model); !old.empty()) {
        diagnostics.warning({}, "geo", std::move(old), "import a newer one: geo import FILE");
    }
    return contents;
}

/// At a start nobody is there to be refused: what the database does not have admits nobody, and the rest works.
void PolicyService::tell_of_absent_countries(const model::Model& model) {
    const auto contents = m_countries.contents(model);
    const auto absent = contents ? absent_countries(*contents) : std::vector<CountryCode>{};
    if (absent.empty()) {
        return;
    }
    std::vector<std::string> names;
    std::ranges::transform(absent, std::back_inserter(names), described);
    record_state("geo-absent",
                 text::concat("the country database in force has no addresses of ", text::join(names, ", "),
                              ": lists that name them go without"),
                 false);
}

Result<void> PolicyService::exchange_countries(const geo::Contents& contents,
                                               const std::function<Result<void>()>& keep) {
    if (!m_configuration) {
        TRY(keep());
        m_is_retrying = true; // what could not be put in force may be now
        return {};
    }
    const ClockReading clock = m_timekeeper.reading();
    auto compiled = TRY(ruleset::compile(m_configuration->model, clock, contents));
    if (m_before_switch) {
        m_before_switch();
    }
    if (auto filtered = m_ports.filter.apply(compiled, clock.now); !filtered) {
        return std::unexpected(std::move(filtered).error().in("packet filter"));
    }
    if (auto kept = keep(); !kept) {
        if (auto back = m_ports.filter.apply(m_ruleset, clock.now); !back) {
            m_behind = true; // tried again with the clock, from the database that is still the one in force
            record_state("restore", std::move(back).error().message(), false);
        }
        m_early_drop.install(m_ruleset);
        return kept;
    }
    m_ruleset = std::move(compiled);
    m_behind = false;
    m_early_drop.install(m_ruleset);
    if (m_on_change) {
        m_on_change(m_configuration->model);
    }
    m_after_switch(m_ruleset);
    return {};
}

} // namespace sekisho::services
