// SPDX-License-Identifier: GPL-2.0-or-later
// encode-events csv|rfc5424: events as JSON Lines from standard input, encoded as the product does to standard output;
// syslog messages with octet counting. A line that is no event ends it.
#include "drivers/json/event_reader.hpp"
#include "policy/events/csv.hpp"
#include "policy/events/rfc5424.hpp"

#include <iostream>
#include <string>

int main(int argc, char** argv) {
    using namespace sekisho;
    const std::string form = argc == 2 ? argv[1] : "";
    if (form != "csv" && form != "rfc5424") {
        std::cerr << "usage: encode-events csv|rfc5424\n";
        return 2;
    }
    if (form == "csv") {
        std::cout << events::to_csv_header();
    }
    drivers::YyjsonEventReader reader;
    for (std::string line; std::getline(std::cin, line);) {
        const auto event = reader.read(line);
        if (!event) {
            std::cerr << event.error().message() << '\n';
            return 1;
        }
        if (form == "csv") {
            std::cout << events::to_csv_line(*event);
        } else {
            const std::string message = events::to_rfc5424(*event, {"clinic", "Sekisho", "0.1.0"});
            std::cout << message.size() << ' ' << message;
        }
    }
    return std::cout.flush() ? 0 : 1;
}
