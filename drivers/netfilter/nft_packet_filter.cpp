// SPDX-License-Identifier: GPL-2.0-or-later
#include "drivers/netfilter/nft_packet_filter.hpp"

#include "drivers/netfilter/netlink.hpp"
#include "drivers/netfilter/nft_command.hpp"
#include "drivers/netfilter/nft_record.hpp"
#include "drivers/netfilter/nft_table.hpp"
#include "drivers/netfilter/set_loader.hpp"
#include "policy/base/text.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include <linux/netfilter.h>
#include <net/if.h>

namespace sekisho::drivers {

struct NftPacketFilter::Implementation {
    Netlink netlink;
    /// Content-named sets known to be whole: filled and verified by this process, or found in use by rules that are in
    /// force.
    std::set<std::string, std::less<>> whole_sets;
    /// What the kernel told right after our last switch; none where somebody else changed something in the meantime.
    std::optional<TableRecord> record;
    std::set<std::string, std::less<>> changed_sets; ///< as the last comparison found them

    Result<void> run(const std::string& text);
    Result<std::optional<TableRecord>> run_and_record(const std::string& text);
    Result<bool> is_whole(const std::string& name);
    Result<std::vector<const ruleset::Set*>> missing_sets(const ruleset::Ruleset& wanted,
                                                          const std::vector<std::string>& existing);
    Result<std::size_t> load(const std::vector<const ruleset::Set*>& sets, Time now);
    Error discard(const std::vector<const ruleset::Set*>& sets, Error cause);
};

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

/// Makes a chain of the record as a newer one has it; what else has changed since is not ours.
void take_chain(std::optional<TableRecord>& record, std::optional<TableRecord> newer, std::string_view name) {
    if (!record || !newer) {
        record.reset();
        return;
    }
    std::erase_if(record->chains, [name](const RecordedChain& chain) { return chain.name == name; });
    for (RecordedChain& chain : newer->chains) {
        if (chain.name == name) {
            record->chains.insert(std::ranges::upper_bound(record->chains, chain.name, {}, &RecordedChain::name),
                                  std::move(chain));
            break;
        }
    }
}

/// The same ruleset over sets of other names, which are loaded for it.
ruleset::Ruleset with_sets_anew(const ruleset::Ruleset& ruleset,
                                const std::set<std::string, std::less<>>& changed_sets) {
    ruleset::Ruleset other = ruleset;
    for (ruleset::Set& set : other.sets) {
        if (changed_sets.contains(set.name)) {
            set.name += "_anew";
        }
    }
    return other;
}

} // namespace

/// One transaction by libnftables. Whether it took place is the kernel's word: its generation number grows with a
/// commit and with nothing else.
Result<void> NftPacketFilter::Implementation::run(const std::string& text) {
    const std::uint32_t before = TRY(netlink.generation());
    const NftOutcome outcome = TRY(run_nft(text));
    switch (outcome.kind) {
    case NftOutcome::Kind::accepted:
        return {};
    case NftOutcome::Kind::refused:
        return std::unexpected(error_from_report(text, outcome.report));
    case NftOutcome::Kind::unknown:
        break;
    }
    // The child ended between sending and reporting. Nobody else writes rules on this device, so a new generation is
    // our commit.
    if (TRY(netlink.generation()) != before) {
        return {};
    }
    return std::unexpected(Error(Domain::kernel, "nft", outcome.report));
}

Result<std::optional<TableRecord>> NftPacketFilter::Implementation::run_and_record(const std::string& text) {
    return record_after([&] { return run(text); }, netlink, NFPROTO_INET, ruleset::kTable, SetElements::ignored);
}

/// Whether a set that the kernel has may be used as it is; one that may not is deleted.
Result<bool> NftPacketFilter::Implementation::is_whole(const std::string& name) {
    if (whole_sets.contains(name)) {
        return true;
    }
    if (TRY(remove_set(netlink, name)) == Removal::removed) {
        return false;
    }
    // Rules in force use it, and rules are put in force only after every set that they use was whole.
    whole_sets.insert(name);
    return true;
}

Result<std::vector<const ruleset::Set*>>
NftPacketFilter::Implementation::missing_sets(const ruleset::Ruleset& wanted,
                                              const std::vector<std::string>& existing) {
    std::vector<const ruleset::Set*> missing;
    for (const ruleset::Set& set : wanted.sets) {
        if (!contains(existing, set.name) || !TRY(is_whole(set.name))) {
            missing.push_back(&set);
        }
    }
    return missing;
}

Result<std::size_t> NftPacketFilter::Implementation::load(const std::vector<const ruleset::Set*>& sets, Time now) {
    std::size_t elements = 0;
    for (const ruleset::Set* set : sets) {
        elements += TRY(fill_set(netlink, *set, now));
        TRY(verify_set(netlink, *set, now));
    }
    return elements;
}

/// Deletes sets that no rule uses yet. Returns the error that led here; a set that could not be deleted is named in
/// front of it.
Error NftPacketFilter::Implementation::discard(const std::vector<const ruleset::Set*>& sets, Error cause) {
    for (const ruleset::Set* set : sets) {
        if (auto removed = remove_set(netlink, set->name); !removed) {
            cause =
                std::move(cause).in(text::concat("unused set ", set->name, " stays (", removed.error().cause(), ")"));
        }
    }
    return cause;
}

NftPacketFilter::NftPacketFilter(std::unique_ptr<Implementation> implementation)
    : m_implementation(std::move(implementation)) {}

NftPacketFilter::~NftPacketFilter() = default;

Result<std::unique_ptr<NftPacketFilter>> NftPacketFilter::create() {
    Netlink netlink = TRY(Netlink::open());
    if (auto generation = netlink.generation(); !generation) {
        return std::unexpected(std::move(generation).error().in("ask for nf_tables"));
    }
    auto implementation = std::make_unique<Implementation>(std::move(netlink));
    return std::unique_ptr<NftPacketFilter>(new NftPacketFilter(std::move(implementation)));
}

Result<ports::FilterReport> NftPacketFilter::apply(const ruleset::Ruleset& ruleset, Time now) {
    Implementation& kernel = *m_implementation;
    const ruleset::Rendered rendered = ruleset::render(ruleset);
    const ruleset::TableObjects existing = TRY(list_table(kernel.netlink));
    const auto missing = TRY(kernel.missing_sets(ruleset, existing.sets));
    if (!missing.empty()) {
        TRY(kernel.run(rendered.declarations));
    }

    const auto loaded = kernel.load(missing, now);
    if (!loaded) {
        return std::unexpected(kernel.discard(missing, Error(loaded.error()).in("load sets")));
    }
    auto switched = kernel.run_and_record(rendered.transaction + ruleset::cleanup(rendered, existing));
    if (!switched) {
        return std::unexpected(kernel.discard(missing, std::move(switched).error()));
    }
    kernel.record = *std::move(switched);

    kernel.whole_sets.clear();
    for (const ruleset::Set& set : ruleset.sets) {
        kernel.whole_sets.insert(set.name);
    }
    const auto removed =
        std::ranges::count_if(existing.sets, [&](const std::string& name) { return !contains(rendered.sets, name); });
    return ports::FilterReport{.rules = ruleset.rules.size(),
                               .sets_loaded = missing.size(),
                               .elements_loaded = *loaded,
                               .sets_removed = static_cast<std::size_t>(removed)};
}

Result<std::uint32_t> NftPacketFilter::generation() {
    return m_implementation->netlink.generation();
}

Result<ports::Comparisons> NftPacketFilter::compare(const ruleset::Ruleset& ruleset, Time now) {
    Implementation& kernel = *m_implementation;
    const TableRecord found = TRY(record_table(kernel.netlink, NFPROTO_INET, ruleset::kTable, SetElements::ignored));
    ports::Comparisons rows = drivers::compare(kernel.record, found);
    kernel.changed_sets.clear();
    if (!found.is_there) {
        return rows;
    }
    for (const ruleset::Set& set : ruleset.sets) {
        ports::Comparison row = TRY(compare_set(kernel.netlink, set, now));
        // The kernel may tell more than look-ups do: how many elements there are.
        const auto recorded = std::ranges::find(rows, row.item, &ports::Comparison::item);
        if (recorded != rows.end()) {
            row.found += row.matches() ? "; it was changed since it was filled" : "";
            rows.erase(recorded);
        }
        if (!row.matches()) {
            kernel.changed_sets.insert(set.name);
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<void> NftPacketFilter::restore(const ruleset::Ruleset& ruleset, Time now) {
    Implementation& kernel = *m_implementation;
    if (!kernel.changed_sets.empty()) {
        // A set in use can't be deleted, and one that was changed is not loaded again while it is there.
        TRY(apply(with_sets_anew(ruleset, kernel.changed_sets), now));
        kernel.changed_sets.clear();
    }
    TRY(apply(ruleset, now));
    return {};
}

Result<bool> NftPacketFilter::is_loaded() {
    return has_base_chain(m_implementation->netlink);
}

Result<std::size_t> NftPacketFilter::remove_unreferenced_sets() {
    const ruleset::TableObjects existing = TRY(list_table(m_implementation->netlink));
    std::size_t removed = 0;
    for (const std::string& name : existing.sets) {
        removed += TRY(remove_set(m_implementation->netlink, name)) == Removal::removed ? 1 : 0;
    }
    return removed;
}

Result<ports::EarlyDrop> NftPacketFilter::install_early_drop(const ruleset::Ruleset& ruleset) {
    std::vector<std::string> devices;
    for (const ruleset::ZoneEntry& zone : ruleset.zones) {
        // A transaction that names an absent device is refused whole.
        if (zone.is_wan) {
            std::ranges::copy_if(zone.interfaces, std::back_inserter(devices),
                                 [](const std::string& name) { return if_nametoindex(name.c_str()) != 0; });
        }
    }
    auto installed = TRY(m_implementation->run_and_record(ruleset::early_text(ruleset, devices)));
    take_chain(m_implementation->record, std::move(installed), ruleset::kEarlyChain);
    return early_drop();
}

Result<ports::EarlyDrop> NftPacketFilter::early_drop() {
    return ports::EarlyDrop{TRY(devices_of_chain(m_implementation->netlink, std::string(ruleset::kEarlyChain)))};
}

Result<std::vector<ports::CounterReading>> NftPacketFilter::counters() {
    return list_counters(m_implementation->netlink);
}

} // namespace sekisho::drivers
