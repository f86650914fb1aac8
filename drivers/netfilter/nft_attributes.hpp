// SPDX-License-Identifier: GPL-2.0-or-later
// Reading nf_tables' messages as the kernel wrote them, for what libnftnl's objects leave out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

namespace sekisho::drivers {

/// Attributes of a nest or a message by type; unknown ones are left out.
template <std::size_t kCount>
class NftAttributes {
public:
    explicit NftAttributes(const nlmsghdr* message) { mnl_attr_parse(message, sizeof(nfgenmsg), take, this); }

    explicit NftAttributes(const nlattr* nest) {
        if (nest != nullptr) {
            mnl_attr_parse_nested(nest, take, this);
        }
    }

    const nlattr* operator[](std::size_t type) const { return m_found[type]; }

    [[nodiscard]] std::string_view text(std::size_t type) const {
        return m_found[type] == nullptr ? std::string_view() : std::string_view(mnl_attr_get_str(m_found[type]));
    }

    /// 0 where absent.
    [[nodiscard]] std::uint32_t number(std::size_t type) const {
        return m_found[type] == nullptr ? 0 : ntohl(mnl_attr_get_u32(m_found[type]));
    }

private:
    static int take(const nlattr* attribute, void* self) {
        const std::uint16_t type = mnl_attr_get_type(attribute);
        if (type < kCount) {
            static_cast<NftAttributes*>(self)->m_found[type] = attribute;
        }
        return MNL_CB_OK;
    }

    std::array<const nlattr*, kCount> m_found{};
};

/// The elements of a list, whatever their types.
template <typename Visit>
void for_each_nested(const nlattr* nest, Visit visit) {
    if (nest != nullptr) {
        mnl_attr_parse_nested(
            nest,
            [](const nlattr* attribute, void* callback) {
                (*static_cast<Visit*>(callback))(attribute);
                return MNL_CB_OK;
            },
            &visit);
    }
}

} // namespace sekisho::drivers
