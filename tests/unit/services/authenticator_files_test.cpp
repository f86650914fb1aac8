// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/services/authenticator_files.hpp"
#include "policy/base/text.hpp"

#include <vector>

#include <CppUTest/TestHarness.h>

using namespace sekisho;

namespace {

constexpr const char* kHash = "8846f7eaee8fb117ad06bdd830b7586c";

model::AccessUser user(const char* name, std::vector<std::string> serials = {}) {
    return {.name = name, .place = {}, .role = {}, .expires = {}, .certificates = std::move(serials), .note = {}};
}

std::string_view everyone(std::string_view /*name*/) {
    return kHash;
}

std::string_view nobody(std::string_view /*name*/) {
    return {};
}

Result<std::string> port_text(std::string secret, std::string nas = "sekisho", std::string port = "lan1") {
    return services::port_authenticator_text({.port = std::move(port),
                                              .control_folder = "/run/x",
                                              .nas_identifier = std::move(nas),
                                              .radius_port = 40'000,
                                              .secret = std::move(secret)});
}

} // namespace

TEST_GROUP(authenticator_files){};

TEST(authenticator_files, a_port_speaks_radius_and_says_which_it_is) {
    const auto text = port_text("a secret", "clinic");
    CHECK(text.has_value());
    STRCMP_CONTAINS("interface=lan1\ndriver=wired\n", text->c_str());
    STRCMP_CONTAINS("eap_reauth_period=0\nnas_identifier=clinic\nradius_auth_req_attr=87:s:lan1\n"
                    "auth_server_addr=127.0.0.1\nauth_server_port=40000\nauth_server_shared_secret=a secret\n",
                    text->c_str());
}

TEST(authenticator_files, what_the_format_can_not_hold_is_refused) {
    CHECK(port_text("sixteen or more!").has_value());
    for (const char* secret : {"", "a\nignore_broadcast_ssid=1", " in front", "behind ", "b\x01l", "\xe3\x81\x82"}) {
        CHECK_FALSE(port_text(secret).has_value());
    }
    CHECK_FALSE(port_text("secret", "a\nb").has_value());
    CHECK_FALSE(port_text("secret", "sekisho", "lan1\ndriver=none").has_value());
    CHECK_FALSE(services::eap_clients_text("a b").has_value());
    CHECK_FALSE(services::eap_clients_text("a\n0.0.0.0/0 b").has_value());
}

TEST(authenticator_files, a_secret_is_in_no_error) {
    STRCMP_EQUAL("configuration: hostapd: '…' can't be written as auth_server_shared_secret",
                 port_text("secret\n").error().message().c_str());
}

TEST(authenticator_files, users_are_told_apart_by_what_they_proved) {
    const std::vector<model::AccessUser> users{user("tanaka"), user("cart", {"0A1B", "FF"})};
    const auto text = services::eap_users_text(users, true, everyone);
    CHECK(text.has_value());
    STRCMP_EQUAL(text::concat("\"tanaka\" MSCHAPV2,TTLS-MSCHAPV2 hash:", kHash,
                              " [2]\nradius_accept_attr=1:s:tanaka\n"
                              "\"cart\" MSCHAPV2,TTLS-MSCHAPV2 hash:",
                              kHash,
                              " [2]\nradius_accept_attr=1:s:cart\n"
                              "\"cert-0A1B\" TLS\nradius_accept_attr=1:s:cart\n"
                              "\"cert-FF\" TLS\nradius_accept_attr=1:s:cart\n"
                              "* PEAP,TTLS,TLS\nradius_accept_attr=1:s:*\n")
                     .c_str(),
                 text->c_str());
}

TEST(authenticator_files, without_an_authority_no_certificate_counts) {
    const std::vector<model::AccessUser> users{user("cart", {"0A1B"})};
    STRCMP_EQUAL("* PEAP,TTLS\nradius_accept_attr=1:s:*\n",
                 services::eap_users_text(users, false, nobody).value().c_str());
}

TEST(authenticator_files, users_that_hostapd_would_read_otherwise_are_refused) {
    for (const char* name : {"", "*", "*tanaka", "a\"b", "a b", "a\nb", "\xe3\x81\x82"}) {
        const std::vector<model::AccessUser> users{user(name)};
        CHECK_FALSE(services::eap_users_text(users, true, everyone).has_value());
    }
    const std::vector<model::AccessUser> odd{user("cart", {"0A\" TLS"})};
    CHECK_FALSE(services::eap_users_text(odd, true, nobody).has_value());
    const std::vector<model::AccessUser> fine{user("tanaka")};
    CHECK_FALSE(services::eap_users_text(fine, true, [](std::string_view) {
                    return std::string_view("abc [2]\n");
                }).has_value());
}

TEST(authenticator_files, the_server_speaks_tls_from_1_2_on_and_asks_for_the_list_it_has) {
    const services::ServerFile file{.port = 18'120,
                                    .users_file = "/run/u",
                                    .clients_file = "/run/c",
                                    .certificate_file = "/data/c.pem",
                                    .key_file = "/data/k.pem",
                                    .authorities_file = "/run/a.pem",
                                    .has_revocation_list = true};
    const std::string text = services::eap_server_text(file).value();
    for (const char* part :
         {"driver=none\n", "[DISABLE-TLSv1.0][DISABLE-TLSv1.1]", "ca_cert=/run/a.pem\ncheck_crl=1\n"}) {
        STRCMP_CONTAINS(part, text.c_str());
    }
}
