// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/config/samples.hpp"
#include "tests/unit/model/fixture.hpp"

using namespace sekisho;
using namespace sekisho::model;
using namespace sekisho::test;

namespace {

std::string key(std::string_view key, std::string_view comment = {}) {
    return text::concat("ssh-key \"", key, comment.empty() ? "" : " ", comment, "\";");
}

/// Somebody with a key, so that nothing is said of SSH without one. Ends its line.
std::string tanaka() {
    return text::concat("account tanaka { ", key(kEd25519), " }\n");
}

/// Behind tanaka(), on line 3.
std::string refused_management(std::string_view text) {
    return refused(text::concat(tanaka(), text));
}

std::string warned_management(std::string_view text) {
    return warned(text::concat(tanaka(), text));
}

Model accepted_management(std::string_view text) {
    return accepted(text::concat(tanaka(), text));
}

constexpr std::string_view kSsh = "management { ssh { from clinic; } }\n";

std::string router_service(std::string_view port, std::string_view more = {}) {
    return text::concat("service remote { protocol tcp; port ", port, "; source { address-list vendor; } ", more,
                        " }\n");
}

} // namespace

TEST_GROUP(account_accepted){};

TEST(account_accepted, with_keys_without_their_comments) {
    const Model model = accepted(text::concat("account tanaka { description \"Tanaka, clinic IT\"; ",
                                              key(kEd25519, "tanaka@pc"), key(kRsa3072), "}\naccount sato { }\n"));
    CHECK_EQUAL(2u, model.accounts.size());
    const Account& account = model.accounts[0];
    CHECK_SAME("tanaka", account.name);
    CHECK_SAME("Tanaka, clinic IT", account.description);
    CHECK(account.place == (Place{2, 1}));
    CHECK_EQUAL(2u, account.ssh_keys.size());
    CHECK_SAME(kEd25519, account.ssh_keys[0]);
    CHECK_SAME(kRsa3072, account.ssh_keys[1]);
    CHECK(model.accounts[1].ssh_keys.empty());
}

TEST(account_accepted, keys_for_the_account_that_is_always_there) {
    CHECK_SAME("admin", accepted(text::concat("account admin { ", key(kEd25519), " }")).accounts.at(0).name);
}

TEST_GROUP(account_refused){};

TEST(account_refused, names_that_systems_use) {
    for (const std::string_view name : {"root", "sshd", "nobody", "sekisho", "daemon", "www-data", "chrony"}) {
        CHECK_HOLDS(text::concat("c:2:9: error: account ", name, ": systems use the name for themselves\n    hint: "),
                    refused(text::concat("account ", name, " { }")));
    }
    accepted("account roots { } account ssh { }");
}

TEST(account_refused, one_key_for_two_people) {
    CHECK_SAME("c:4:3: error: account sato: the key is already that of account tanaka (line 2)\n    hint: nobody could "
               "tell who acted: every account has keys of its own\n1 error\n",
               refused(text::concat(tanaka(), "account sato {\n  ", key(kEd25519, "sato"), " }")));
}

TEST(account_refused, one_key_twice_with_other_comments) {
    CHECK_SAME(
        "c:4:1: error: account sato: the key stands already on line 3\n    hint: take one of them away\n1 error\n",
        refused(text::concat("account sato {\n", key(kEcdsa256, "a"), "\n", key(kEcdsa256, "b"), " }")));
}

TEST(account_refused, more_than_a_clinic_has) {
    std::string text;
    for (unsigned number = 0; number < 100; ++number) {
        text += text::concat("account a", text::to_text(number), " { }\n");
    }
    CHECK_EQUAL(100u, accepted(text).accounts.size());
    CHECK_SAME("c:102:1: error: more than 100 accounts\n1 error\n", refused(text + "account one-more { }"));
}

TEST_GROUP(management_accepted){};

TEST(management_accepted, ssh_from_inside_zones) {
    const Model model = accepted_management("management {\n ssh { from clinic; from guest; port 2222; } }");
    CHECK_EQUAL(2u, model.management.ssh_zones.size());
    CHECK_SAME("clinic", model.management.ssh_zones[0]);
    CHECK_SAME("guest", model.management.ssh_zones[1]);
    CHECK_EQUAL(2222, model.management.ssh_port);
    CHECK(model.management.ssh_place == (Place{4, 2}));
    CHECK_FALSE(ssh_from_wan(model));
}

TEST(management_accepted, port_22_where_nothing_else_is_said) {
    CHECK_EQUAL(22, accepted_management(kSsh).management.ssh_port);
    CHECK(accepted("").management.ssh_zones.empty());
    CHECK(accepted("management { }").management.ssh_zones.empty());
}

TEST_GROUP(management_refused){};

TEST(management_refused, zones_that_are_none) {
    CHECK_SAME(
        "c:3:25: error: management ssh: from: there is no zone 'klinic'\n    hint: did you mean 'clinic'?\n1 error\n",
        refused_management("management { ssh { from klinic; } }"));
    CHECK_HOLDS("management ssh: from router: the router does not log in to itself",
                refused_management("management { ssh { from router; } }"));
}

TEST(management_refused, the_wan_as_a_whole) {
    CHECK_SAME(
        "c:3:38: error: management ssh: from wan: SSH is not opened to the whole WAN\n    hint: beside an inside zone "
        "here, a service for tcp port 2222 without forward-to opens it to the sources that its address-list "
        "names\n1 error\n",
        refused_management("management { ssh { from clinic; from wan; port 2222; } }"));
}

TEST(management_refused, forms_that_the_schema_knows) {
    const auto report = [](std::string_view text) {
        Diagnostics found;
        CHECK_FALSE(config::parse(text::concat(kNetwork, text), found).has_value());
        return found.text("c");
    };
    CHECK_HOLDS("management ssh: 'from' is missing", report("management { ssh { port 22; } }"));
    CHECK_HOLDS("'from clinic' stands already on line 2", report("management { ssh { from clinic; from clinic; } }"));
    CHECK_HOLDS("is not a port from 1 to 65535", report("management { ssh { from clinic; port 0; } }"));
}

TEST_GROUP(management_warned){};

TEST(management_warned, when_nobody_has_a_key) {
    CHECK_SAME(
        "c:3:14: warning: management ssh: no account has an ssh-key: SSH lets nobody in\n    hint: account NAME { "
        "ssh-key \"ssh-ed25519 AAAA… name\"; } for each who needs it\n1 warning\n",
        warned(text::concat("account tanaka { }\n", kSsh)));
}

TEST(management_warned, when_a_policy_denies_it_before) {
    const auto policy = [](std::string_view text) {
        return text::concat(kSsh, "policy p { from clinic; to router; ", text, " }\n");
    };
    for (const std::string_view text :
         {"action deny;", "protocol tcp; action deny;", "protocol tcp; port 20-30; action deny;"}) {
        CHECK_SAME(
            "c:3:14: warning: management ssh: from clinic: policy p (line 4) denies it before\n    hint: policies to "
            "the router are tried first; one in front of it that allows SSH to an address-list leaves that "
            "open\n1 warning\n",
            warned_management(policy(text)));
    }
    for (const std::string_view text :
         {"action allow;", "protocol udp; action deny;", "protocol tcp; port 23; action deny;",
          "protocol tcp; port 22; source { address-list vendor; } action deny;"}) {
        accepted_management(policy(text));
    }
    accepted_management(text::concat(kSsh, "policy p { from guest; to router; action deny; }"));
    accepted_management(text::concat(kSsh, "policy p { from clinic; to wan; action deny; }"));
}

TEST(management_warned, not_when_a_policy_in_front_leaves_some_of_it_open) {
    accepted_management(text::concat(
        kSsh, "policy those { from clinic; to router; protocol tcp; port 22; source { address-list vendor; } action "
              "allow; }\npolicy others { from clinic; to router; protocol tcp; port 22; action deny; }\n"));
}

TEST_GROUP(management_over_the_wan){};

TEST(management_over_the_wan, needs_a_service_on_the_router_and_management) {
    CHECK(ssh_from_wan(accepted_management(text::concat(kSsh, router_service("22")))));
    CHECK(ssh_from_wan(accepted_management(text::concat(kSsh, router_service("20-30")))));
    CHECK(ssh_from_wan(accepted_management(
        text::concat("management { ssh { from clinic; port 2222; } }\n", router_service("443; port 2222")))));
    CHECK_FALSE(ssh_from_wan(accepted_management(kSsh)));
    CHECK_FALSE(ssh_from_wan(accepted_management(text::concat(kSsh, router_service("23")))));
    CHECK_FALSE(ssh_from_wan(
        accepted_management(text::concat(kSsh, router_service("22", "forward-to 10.0.1.20; forward-to fd00:1::20;")))));
    CHECK_FALSE(ssh_from_wan(accepted_management(
        text::concat(kSsh, "service s { protocol sctp; port 22; source { address-list vendor; } }"))));
}

TEST(management_over_the_wan, a_service_to_a_server_that_is_not_there) {
    const Checked checked = check(router_service("22"));
    CHECK_SAME(
        "c:2:1: warning: service remote: it leads to SSH on the router, tcp port 22, where nothing answers without "
        "management\n    hint: management { ssh { from ZONE; } } starts the SSH server\n1 warning\n",
        checked.report);
    CHECK_FALSE(ssh_from_wan(*checked.model));
}

TEST(management_over_the_wan, sources_are_bounded_on_every_port_that_is_ssh) {
    const auto wide = [](std::string_view ssh_port, std::string_view service_port) {
        return text::concat(
            "management { ssh { from clinic; port ", ssh_port,
            "; } }\naddress-list wide { address 198.18.0.0/15; address 2001:db8::/33; }\nservice remote { "
            "protocol tcp; port ",
            service_port, "; source { address-list wide; } }\n");
    };
    for (const auto& [ssh, service] :
         {std::pair("22", "22"), std::pair("2222", "2222"), std::pair("2222", "2000-3000")}) {
        CHECK_HOLDS(
            "service remote source: the service leads to SSH on the router; for that, the lists together admit too "
            "many IPv4 addresses: 131072",
            refused_management(wide(ssh, service)));
    }
    accepted_management(wide("2222", "2223"));
}
