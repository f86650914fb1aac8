// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/config/samples.hpp"
#include "tests/unit/model/fixture.hpp"

using namespace sekisho;
using namespace sekisho::model;
using namespace sekisho::test;

namespace {

std::string certificate(std::string_view pem = kCertificate) {
    return text::concat(" certificate \"", pem, "\"; ");
}

std::string server(std::string_view statements) {
    return text::concat("log { server archive { ", statements, " } }\n");
}

std::string tls_to(std::string_view host) {
    return server(text::concat("host ", host, ";", certificate()));
}

} // namespace

TEST_GROUP(log_server_accepted){};

TEST(log_server_accepted, over_tls_by_default) {
    const Model model =
        accepted(server(text::concat("host 10.0.1.20;", certificate(), certificate(kOtherCertificate))));
    const SyslogServer& server = model.syslog_servers.at(0);
    CHECK_SAME("archive", server.name);
    CHECK(server.place == (Place{2, 7}));
    CHECK_SAME("10.0.1.20", server.host);
    CHECK_EQUAL(6514, server.port);
    CHECK(server.transport == SyslogTransport::tls);
    CHECK_SAME("10.0.1.20", server.server_name); // the address itself must be in the certificate
    CHECK_EQUAL(2u, server.certificates.size());
    CHECK_SAME(kCertificate, server.certificates[0]);
    CHECK_SAME(kOtherCertificate, server.certificates[1]);
}

TEST(log_server_accepted, with_names) {
    const Model model = accepted(
        text::concat("system { name-server 10.0.1.53; }\nlog { server a { host log.clinic.example; port 10514;",
                     certificate(), "} server b { host 10.0.1.20; server-name archive.example;", certificate(),
                     "} server c { host log.clinic.example; server-name 10.0.1.20;", certificate(), "} }"));
    CHECK_SAME("log.clinic.example", model.syslog_servers.at(0).server_name);
    CHECK_EQUAL(10514, model.syslog_servers.at(0).port);
    CHECK_SAME("archive.example", model.syslog_servers.at(1).server_name);
    CHECK_SAME("10.0.1.20", model.syslog_servers.at(2).server_name);
}

TEST(log_server_accepted, settings_of_the_log_stay_beside_it) {
    const Model model =
        accepted(text::concat("log { files 3; server a { host fd00:1::20;", certificate(), "} burst 7; }"));
    CHECK_EQUAL(3u, model.log.files);
    CHECK_EQUAL(7u, model.log.burst);
    CHECK_EQUAL(1u, model.syslog_servers.size());
}

TEST_GROUP(log_server_warned){};

TEST(log_server_warned, unprotected) {
    constexpr std::string_view kTold =
        "c:2:40: warning: log server archive: sent unprotected: whoever is on the way reads and changes the log\n    "
        "hint: transport tls, with the certificate of the server's authority\n1 warning\n";
    for (const auto& [transport, kind, port] :
         {std::tuple("tcp", SyslogTransport::tcp, 601), std::tuple("udp", SyslogTransport::udp, 514)}) {
        const Checked checked = check(server(text::concat("host 10.0.1.20; transport ", transport, ";")));
        CHECK_SAME(kTold, checked.report);
        CHECK(checked.model->syslog_servers.at(0).transport == kind);
        CHECK_EQUAL(port, checked.model->syslog_servers.at(0).port);
        CHECK_SAME("", checked.model->syslog_servers.at(0).server_name);
    }
}

TEST(log_server_warned, names_without_a_name_server) {
    CHECK_HOLDS("warning: log server archive: host log.example can't be found: there is no name server to ask for its "
                "address\n    hint: add a name-server under 'system', or write the server's address",
                warned(tls_to("log.example")));
}

TEST(log_server_warned, one_server_under_two_names) {
    CHECK_HOLDS("warning: log server b: it is the same as server a (line 2), which gets every record twice",
                warned(text::concat("log { server a { host 10.0.1.20;", certificate(),
                                    "} server b { host 10.0.1.20; port 6514;", certificate(kOtherCertificate), "} }")));
}

TEST_GROUP(log_server_refused){};

TEST(log_server_refused, tls_without_a_certificate) {
    CHECK_HOLDS("c:2:7: error: log server archive: transport tls needs a certificate to know the server by\n    hint: "
                "certificate \"-----BEGIN CERTIFICATE-----",
                refused(server("host 10.0.1.20;")));
    CHECK_HOLDS("needs a certificate", refused(server("host 10.0.1.20; transport tls; server-name log.example;")));
}

TEST(log_server_refused, what_only_tls_has) {
    for (const std::string_view transport : {"tcp", "udp"}) {
        CHECK_HOLDS(text::concat("error: log server archive: transport ", transport,
                                 " has no certificate\n    hint: take it away, or write transport tls"),
                    refused(server(text::concat("host 10.0.1.20; transport ", transport, ";", certificate()))));
        CHECK_HOLDS(text::concat("error: log server archive: transport ", transport, " has no server-name"),
                    refused(server(text::concat("host 10.0.1.20; server-name a.example; transport ", transport, ";"))));
    }
}

TEST(log_server_refused, addresses_of_no_server) {
    for (const auto& [host, why] :
         {std::pair("224.0.0.1", "a multicast address"), std::pair("ff02::1", "a multicast address"),
          std::pair("0.0.0.0", "the unspecified address"), std::pair("127.0.0.1", "a loopback address"),
          std::pair("::1", "a loopback address"), std::pair("255.255.255.255", "a reserved address (240.0.0.0/4)"),
          std::pair("fe80::1", "a link-local address, which is one on every network"),
          std::pair("::ffff:10.0.1.20", "an IPv4 address in IPv6 notation"),
          std::pair("10.0.1.1", "the router's own address"), std::pair("198.51.100.2", "the router's own address"),
          std::pair("10.0.1.0", "the address of the network itself"),
          std::pair("10.0.1.255", "the broadcast address of its network")}) {
        CHECK_HOLDS(text::concat("error: log server archive: host ", host, " is ", why, "\n"), refused(tls_to(host)));
    }
}

TEST(log_server_refused, names_that_differ_in_case_only) {
    CHECK_HOLDS("log server Archive: the name differs only in upper and lower case from log server archive on line 2",
                refused(text::concat("log { server archive { host 10.0.1.20;", certificate(),
                                     "}\nserver Archive { host 10.0.1.21;", certificate(), "} }")));
}

TEST(log_server_refused, more_than_eight) {
    std::string text = "log {\n";
    for (unsigned number = 1; number <= 8; ++number) {
        text += text::concat("server s", text::to_text(number), " { host 10.0.1.2", text::to_text(number), ";",
                             certificate(), "}\n");
    }
    CHECK_EQUAL(8u, accepted(text + "}").syslog_servers.size());
    CHECK_HOLDS("error: log: more than 8 servers",
                refused(text::concat(text, "server s9 { host 10.0.1.29;", certificate(), "} }")));
}
