// print-schema - the JSON Schema of conos.toml, for tests
#include "config/schema.hpp"

#include <cstdio>

int main()
{
  return std::fputs(conos::config::json_schema().c_str(), stdout) < 0 ? 1 : 0;
}
