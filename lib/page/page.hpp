#pragma once

#include "page/view.hpp"

#include <string>

namespace conos::page {

// "2 findings - conos on HOST"
std::string title_of(const View& view);

// The whole page: one file that needs no other, runs nothing and fetches nothing.
std::string page_of(const View& view);

// The same for Prometheus, as its textfile collector and its server read it.
std::string metrics_of(const View& view);

} // namespace conos::page
