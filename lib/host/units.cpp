#include "host/units.hpp"

#include "sys/text.hpp"

#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <utility>

namespace conos {

namespace {

constexpr const char* k_service = "org.freedesktop.systemd1";
constexpr const char* k_manager_path = "/org/freedesktop/systemd1";
constexpr const char* k_manager = "org.freedesktop.systemd1.Manager";
constexpr const char* k_unit = "org.freedesktop.systemd1.Unit";
constexpr const char* k_private_address = "unix:path=/run/systemd/private";
constexpr Duration k_reload_time = std::chrono::seconds(90);
constexpr std::size_t k_max_units = 10'000;
constexpr std::size_t k_max_argv = 256;

struct Unref {
  void operator()(sd_bus_message* message) const { (void)sd_bus_message_unref(message); }
  void operator()(sd_bus_slot* slot) const { (void)sd_bus_slot_unref(slot); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;
using Slot = std::unique_ptr<sd_bus_slot, Unref>;

// The error a call leaves behind, freed with us.
struct BusError {
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&raw); }

  sd_bus_error raw = SD_BUS_ERROR_NULL;
};

std::uint64_t micros(Duration duration)
{
  return static_cast<std::uint64_t>(
    std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

Time time_of(std::uint64_t usec)
{
  return Time(std::chrono::microseconds(usec));
}

// What systemd's and D-Bus's named errors mean to a caller.
Kind kind_of_name(std::string_view name)
{
  constexpr std::array<std::pair<std::string_view, Kind>, 13> k_kinds{{
    {"org.freedesktop.systemd1.NoSuchUnit", Kind::not_found},
    {"org.freedesktop.systemd1.UnitMasked", Kind::config},
    {"org.freedesktop.systemd1.LoadFailed", Kind::config},
    {"org.freedesktop.systemd1.BadUnitSetting", Kind::config},
    {"org.freedesktop.systemd1.UnitExists", Kind::exists},
    {"org.freedesktop.DBus.Error.FileNotFound", Kind::not_found},
    {"org.freedesktop.DBus.Error.AccessDenied", Kind::denied},
    {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", Kind::denied},
    {"org.freedesktop.DBus.Error.InvalidArgs", Kind::bad_data},
    {"org.freedesktop.DBus.Error.NoReply", Kind::busy},
    {"org.freedesktop.DBus.Error.Timeout", Kind::busy},
    {"org.freedesktop.DBus.Error.ServiceUnknown", Kind::unavailable},
    {"org.freedesktop.DBus.Error.Disconnected", Kind::unavailable},
  }};
  const auto found = std::find_if(k_kinds.begin(), k_kinds.end(), [&](const auto& entry) {
    return entry.first == name;
  });
  return found == k_kinds.end() ? Kind::os : found->second;
}

Kind kind_of_errno(int err)
{
  return err == ETIMEDOUT ? Kind::busy : kind_of(err);
}

// `code` is the negative errno of a call into sd-bus.
tl::unexpected<Error> bus_error(int code, const BusError& error, const std::string& deed)
{
  if (error.raw.name == nullptr) {
    return tl::unexpected<Error>(Error{kind_of_errno(-code), -code, deed});
  }
  auto kind = kind_of_name(error.raw.name);
  if (kind == Kind::os) {
    kind = kind_of_errno(sd_bus_error_get_errno(&error.raw));
  }
  const char* words = error.raw.message != nullptr ? error.raw.message : error.raw.name;
  return fail(kind, "{}: {}", deed, escaped(words));
}

tl::unexpected<Error> bus_error(int code, const std::string& deed)
{
  return bus_error(code, BusError(), deed);
}

Result<std::string> path_of(const std::string& unit)
{
  char* path = nullptr;
  const int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path);
  if (r < 0) {
    return bus_error(r, "name unit '" + escaped(unit) + "'");
  }
  std::string out(path);
  ::free(path);
  return out;
}

// The D-Bus interface of a kind of unit, by the end of its name.
Result<std::string> interface_of(const std::string& unit)
{
  constexpr std::array<std::pair<std::string_view, const char*>, 11> k_interfaces{{
    {".service", "Service"},
    {".path", "Path"},
    {".timer", "Timer"},
    {".socket", "Socket"},
    {".target", "Target"},
    {".mount", "Mount"},
    {".slice", "Slice"},
    {".scope", "Scope"},
    {".device", "Device"},
    {".swap", "Swap"},
    {".automount", "Automount"},
  }};
  for (const auto& [end, interface] : k_interfaces) {
    if (unit.size() > end.size() && unit.ends_with(end)) {
      return fmt::format("org.freedesktop.systemd1.{}", interface);
    }
  }
  return fail(Kind::bad_data, "'{}' is not the name of a unit", escaped(unit));
}

// Reads properties of one unit.
class Properties
{
public:
  Properties(sd_bus* bus, std::string unit, std::string path)
      : m_bus(bus)
      , m_unit(std::move(unit))
      , m_path(std::move(path))
  {
  }

  Result<std::string> text(const std::string& interface, const char* name) const
  {
    BusError error;
    char* value = nullptr;
    const int r = sd_bus_get_property_string(
      m_bus, k_service, m_path.c_str(), interface.c_str(), name, &error.raw, &value);
    if (r < 0) {
      return bus_error(r, error, deed(name));
    }
    std::string out(value);
    ::free(value);
    return out;
  }

  template<class Number>
  Result<Number> number(const std::string& interface, const char* name, char type) const
  {
    BusError error;
    Number value{};
    const int r = sd_bus_get_property_trivial(
      m_bus, k_service, m_path.c_str(), interface.c_str(), name, &error.raw, type, &value);
    if (r < 0) {
      return bus_error(r, error, deed(name));
    }
    return value;
  }

  Result<Message> message(
    const std::string& interface, const char* name, const char* signature) const
  {
    BusError error;
    sd_bus_message* reply = nullptr;
    const int r = sd_bus_get_property(
      m_bus, k_service, m_path.c_str(), interface.c_str(), name, &error.raw, &reply, signature);
    if (r < 0) {
      return bus_error(r, error, deed(name));
    }
    return Message(reply);
  }

private:
  std::string deed(const char* name) const
  {
    return fmt::format("ask for {} of '{}'", name, escaped(m_unit));
  }

  sd_bus* m_bus;
  std::string m_unit;
  std::string m_path;
};

int read_argv(sd_bus_message* message, std::vector<std::string>& argv)
{
  int r = sd_bus_message_enter_container(message, 'a', "s");
  const char* word = nullptr;
  while (r >= 0 && (r = sd_bus_message_read_basic(message, 's', &word)) > 0) {
    if (argv.size() < k_max_argv) {
      argv.emplace_back(word);
    }
  }
  return r < 0 ? r : sd_bus_message_exit_container(message);
}

// One element of a(sasbttttuii), as ExecStartPre= has them: path, argv, whether a failure is
// ignored, start and end each in real and monotonic time, pid, code, status. 0 at the end.
int read_step(sd_bus_message* message, StepEnd& step)
{
  int r = sd_bus_message_enter_container(message, 'r', "sasbttttuii");
  if (r <= 0) {
    return r;
  }
  const char* path = nullptr;
  int ignored = 0;
  std::uint64_t started = 0;
  std::uint64_t started_mono = 0;
  std::uint64_t ended = 0;
  std::uint64_t ended_mono = 0;
  std::uint32_t pid = 0;
  std::int32_t code = 0;
  std::int32_t status = 0;
  if ((r = sd_bus_message_read_basic(message, 's', &path)) < 0 ||
      (r = read_argv(message, step.argv)) < 0 ||
      (r = sd_bus_message_read(message, "bttttuii", &ignored, &started, &started_mono, &ended,
         &ended_mono, &pid, &code, &status)) < 0 ||
      (r = sd_bus_message_exit_container(message)) < 0) {
    return r;
  }
  if (started != 0) {
    step.started = time_of(started);
  }
  if (ended != 0) {
    step.ended = time_of(ended);
    step.code = code;
    step.status = status;
  }
  return 1;
}

Result<std::vector<StepEnd>> steps_of(const Properties& properties, const std::string& interface)
{
  CONOS_TRY(const auto message, properties.message(interface, "ExecStartPre", "a(sasbttttuii)"));
  std::vector<StepEnd> steps;
  int r = sd_bus_message_enter_container(message.get(), 'a', "(sasbttttuii)");
  while (r >= 0) {
    StepEnd step;
    r = read_step(message.get(), step);
    if (r <= 0) {
      break;
    }
    steps.push_back(std::move(step));
  }
  if (r < 0) {
    return bus_error(r, "read the answer about ExecStartPre");
  }
  return steps;
}

Result<> fill_service(UnitState& state, const Properties& properties, const std::string& interface)
{
  CONOS_TRY(state.exec_main_code, properties.number<std::int32_t>(interface, "ExecMainCode", 'i'));
  CONOS_TRY(
    state.exec_main_status, properties.number<std::int32_t>(interface, "ExecMainStatus", 'i'));
  CONOS_TRY(state.restarts, properties.number<std::uint32_t>(interface, "NRestarts", 'u'));
  CONOS_TRY(state.start_pre, steps_of(properties, interface));
  return {};
}

// Targets, slices and devices cannot fail by themselves.
bool has_result(const std::string& interface)
{
  return !interface.ends_with(".Target") && !interface.ends_with(".Slice") &&
         !interface.ends_with(".Device");
}

Result<Message> new_call(sd_bus* bus, const char* method)
{
  sd_bus_message* call = nullptr;
  const int r =
    sd_bus_message_new_method_call(bus, &call, k_service, k_manager_path, k_manager, method);
  if (r < 0) {
    return bus_error(r, fmt::format("prepare {}", method));
  }
  return Message(call);
}

Result<Message> send(
  sd_bus* bus, const Message& call, const std::string& deed, Duration timeout = Duration(0))
{
  BusError error;
  sd_bus_message* reply = nullptr;
  const int r = sd_bus_call(bus, call.get(), micros(timeout), &error.raw, &reply);
  if (r < 0) {
    return bus_error(r, error, deed);
  }
  return Message(reply);
}

// A manager method that takes the name of one unit.
Result<Message> call_about(
  sd_bus* bus, const char* method, const std::string& unit, const std::string& deed)
{
  CONOS_TRY(const auto call, new_call(bus, method));
  if (const int r = sd_bus_message_append(call.get(), "s", unit.c_str()); r < 0) {
    return bus_error(r, deed);
  }
  return send(bus, call, deed);
}

Result<> append_names(const Message& call, const std::vector<std::string>& names)
{
  int r = sd_bus_message_open_container(call.get(), 'a', "s");
  for (const auto& name : names) {
    r = r < 0 ? r : sd_bus_message_append(call.get(), "s", name.c_str());
  }
  r = r < 0 ? r : sd_bus_message_close_container(call.get());
  if (r < 0) {
    return bus_error(r, "name the units");
  }
  return {};
}

// What the array of changes at the end of a reply says: empty means there were none.
Result<Changed> changed_by(const Message& reply)
{
  int r = sd_bus_message_enter_container(reply.get(), 'a', "(sss)");
  if (r >= 0) {
    r = sd_bus_message_at_end(reply.get(), 0);
  }
  if (r < 0) {
    return bus_error(r, "read the answer about unit files");
  }
  return r > 0 ? Changed::no : Changed::yes;
}

// The jobs that ended while we listened.
struct EndedJobs {
  std::vector<std::pair<std::string, std::string>> results; // path, result
};

int note_ended_job(sd_bus_message* message, void* data, sd_bus_error*)
{
  std::uint32_t id = 0;
  const char* path = nullptr;
  const char* unit = nullptr;
  const char* result = nullptr;
  if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0) {
    static_cast<EndedJobs*>(data)->results.emplace_back(path, result);
  }
  return 0;
}

// Hears JobRemoved from now on.
Result<Slot> hear_jobs(sd_bus* bus, EndedJobs& jobs)
{
  sd_bus_slot* slot = nullptr;
  const int r = sd_bus_match_signal(
    bus, &slot, k_service, k_manager_path, k_manager, "JobRemoved", note_ended_job, &jobs);
  if (r < 0) {
    return bus_error(r, "listen to systemd's jobs");
  }
  // over D-Bus systemd sends signals only when asked; a second asking is refused, harmlessly
  CONOS_TRY(const auto call, new_call(bus, "Subscribe"));
  (void)send(bus, call, "subscribe");
  return Slot(slot);
}

constexpr const char* k_unheard = "unheard";

bool has_job(sd_bus* bus, const std::string& job)
{
  sd_bus_error error = SD_BUS_ERROR_NULL;
  char* state = nullptr;
  const int r = sd_bus_get_property_string(
    bus, k_service, job.c_str(), "org.freedesktop.systemd1.Job", "State", &error, &state);
  std::free(state); // NOLINT(cppcoreguidelines-no-malloc): libsystemd's
  const bool is_gone = r < 0 && sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_OBJECT) != 0;
  sd_bus_error_free(&error);
  return !is_gone;
}

// systemd's word for how a job ended; k_unheard when it is gone and nobody told us, as when systemd
// was executed anew meanwhile.
Result<std::string> await_job(
  sd_bus* bus, const EndedJobs& jobs, const std::string& job, Duration timeout)
{
  constexpr Duration k_look_again = std::chrono::seconds(2);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  bool is_gone = false;
  for (;;) {
    for (const auto& [path, result] : jobs.results) {
      if (path == job) {
        return result;
      }
    }
    int r = sd_bus_process(bus, nullptr);
    if (r == 0 && is_gone) {
      return k_unheard;
    }
    if (r == 0) {
      const auto left = std::chrono::ceil<Duration>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        return fail(Kind::busy, "not done after {}", for_people(timeout));
      }
      r = sd_bus_wait(bus, micros(std::min(left, k_look_again)));
      is_gone = r == 0 && !has_job(bus, job); // what was sent before the answer is processed first
    }
    if (r < 0 && r != -EINTR) {
      return bus_error(r, "wait for systemd");
    }
  }
}

// --- values of any type --------------------------------------------------------------------------

constexpr int k_max_value_depth = 16;
constexpr std::size_t k_max_elements = 10'000;

template<class Wire>
int read_number(sd_bus_message* message, char type, std::int64_t& into)
{
  Wire value{};
  const int r = sd_bus_message_read_basic(message, type, &value);
  constexpr auto k_most = std::numeric_limits<std::int64_t>::max();
  into = std::cmp_greater(value, k_most) ? k_most : static_cast<std::int64_t>(value);
  return r;
}

int read_integer(sd_bus_message* message, char type, std::int64_t& into)
{
  switch (type) {
  case 'y':
    return read_number<std::uint8_t>(message, type, into);
  case 'n':
    return read_number<std::int16_t>(message, type, into);
  case 'q':
    return read_number<std::uint16_t>(message, type, into);
  case 'i':
    return read_number<std::int32_t>(message, type, into);
  case 'u':
    return read_number<std::uint32_t>(message, type, into);
  case 'x':
    return read_number<std::int64_t>(message, type, into);
  default:
    return read_number<std::uint64_t>(message, type, into);
  }
}

// A basic value. 0 at the end of its container.
int read_basic(sd_bus_message* message, char type, PropertyValue& into)
{
  if (type == 'b') {
    int truth = 0;
    const int r = sd_bus_message_read_basic(message, type, &truth);
    into = truth != 0;
    return r;
  }
  if (type == 'd') {
    double number = 0;
    const int r = sd_bus_message_read_basic(message, type, &number);
    into = number;
    return r;
  }
  if (type == 's' || type == 'o' || type == 'g') {
    const char* text = nullptr;
    const int r = sd_bus_message_read_basic(message, type, &text);
    into = std::string(text != nullptr ? text : "");
    return r;
  }
  std::int64_t number = 0;
  const int r = read_integer(message, type, number);
  into = number;
  return r;
}

std::string text_of(const PropertyValue& value)
{
  struct Text {
    std::string operator()(bool truth) const { return truth ? "yes" : "no"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return fmt::format("{}", number); }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const std::vector<std::string>& texts) const { return join(texts, " "); }
  };
  return std::visit(Text(), value);
}

// The texts of the elements of whatever is open; a container in it is one text.
int read_elements(sd_bus_message* message, std::vector<std::string>& into, int depth)
{
  for (;;) {
    char type = 0;
    const char* contents = nullptr;
    int r = sd_bus_message_peek_type(message, &type, &contents);
    if (r <= 0) {
      return r;
    }
    if (depth > k_max_value_depth || into.size() >= k_max_elements) {
      return -E2BIG;
    }
    if (type == 'a' || type == 'r' || type == 'e' || type == 'v') {
      std::vector<std::string> inner;
      if ((r = sd_bus_message_enter_container(message, type, contents)) < 0 ||
          (r = read_elements(message, inner, depth + 1)) < 0 ||
          (r = sd_bus_message_exit_container(message)) < 0) {
        return r;
      }
      into.push_back(join(inner, " "));
      continue;
    }
    PropertyValue value;
    if ((r = read_basic(message, type, value)) <= 0) {
      return r;
    }
    into.push_back(text_of(value));
  }
}

// Of "(bas)", as the filters have it, the list is what is meant.
int read_value(sd_bus_message* message, PropertyValue& into)
{
  char type = 0;
  const char* contents = nullptr;
  int r = sd_bus_message_peek_type(message, &type, &contents);
  if (r <= 0) {
    return r < 0 ? r : -EBADMSG;
  }
  if (type != 'a' && type != 'r') {
    return read_basic(message, type, into);
  }
  std::vector<std::string> elements;
  const bool is_filter = type == 'r' && std::string_view(contents) == "bas";
  if ((r = sd_bus_message_enter_container(message, type, contents)) < 0) {
    return r;
  }
  if (is_filter) {
    int is_allow_list = 0;
    if ((r = sd_bus_message_read_basic(message, 'b', &is_allow_list)) < 0 ||
        (r = sd_bus_message_enter_container(message, 'a', "s")) < 0 ||
        (r = read_elements(message, elements, 0)) < 0) {
      return r;
    }
    if (is_allow_list == 0 && !elements.empty()) {
      elements.front().insert(0, "~");
    }
  } else if ((r = read_elements(message, elements, 0)) < 0) {
    return r;
  }
  into = std::move(elements);
  return 0;
}

Result<PropertyValue> get_property(
  sd_bus* bus, const std::string& path, const std::string& interface, const std::string& name)
{
  BusError error;
  sd_bus_message* raw = nullptr;
  int r = sd_bus_call_method(bus, k_service, path.c_str(), "org.freedesktop.DBus.Properties", "Get",
    &error.raw, &raw, "ss", interface.c_str(), name.c_str());
  const Message reply(raw);
  const auto deed = fmt::format("ask for {}", escaped(name));
  if (r < 0) {
    const bool is_unknown = sd_bus_error_has_name(&error.raw, SD_BUS_ERROR_UNKNOWN_PROPERTY) != 0 ||
                            sd_bus_error_has_name(&error.raw, SD_BUS_ERROR_UNKNOWN_INTERFACE) != 0;
    if (is_unknown) {
      return fail(Kind::not_found, "there is no property '{}'", escaped(name));
    }
    return bus_error(r, error, deed);
  }
  const char* contents = nullptr;
  char type = 0;
  PropertyValue value;
  if ((r = sd_bus_message_peek_type(reply.get(), &type, &contents)) < 0 ||
      (r = sd_bus_message_enter_container(reply.get(), 'v', contents)) < 0 ||
      (r = read_value(reply.get(), value)) < 0) {
    return bus_error(r, deed);
  }
  return value;
}

} // namespace

const StepEnd* failed_start_pre(const UnitState& state)
{
  const auto found =
    std::find_if(state.start_pre.begin(), state.start_pre.end(), [](const StepEnd& step) {
      return step.ended && (step.code != CLD_EXITED || step.status != 0);
    });
  return found == state.start_pre.end() ? nullptr : &*found;
}

void Units::Close::operator()(sd_bus* bus) const
{
  (void)sd_bus_flush_close_unref(bus);
}

Units::Units(Bus bus, Duration timeout)
    : m_bus(std::move(bus))
    , m_timeout(timeout)
{
}

Result<Units> Units::connect_to(const std::string& address, Duration timeout)
{
  const auto deed = "reach systemd at '" + address + "'";
  sd_bus* raw = nullptr;
  int r = sd_bus_new(&raw);
  Bus bus(raw);
  if (r < 0 || (r = sd_bus_set_address(raw, address.c_str())) < 0 ||
      (r = sd_bus_set_method_call_timeout(raw, micros(timeout))) < 0) {
    return bus_error(r, deed);
  }
  if (r = sd_bus_start(raw); r < 0) {
    return tl::unexpected<Error>(Error{Kind::unavailable, -r, deed});
  }
  return Units(std::move(bus), timeout);
}

Result<Units> Units::connect(Duration timeout)
{
  if (::geteuid() == 0) {
    if (auto direct = connect_to(k_private_address, timeout)) {
      return direct;
    }
  }
  sd_bus* raw = nullptr;
  int r = sd_bus_open_system(&raw);
  if (r < 0) {
    return tl::unexpected<Error>(Error{Kind::unavailable, -r, "reach systemd over the system bus"});
  }
  Bus bus(raw);
  if (r = sd_bus_set_method_call_timeout(raw, micros(timeout)); r < 0) {
    return bus_error(r, "set up the system bus");
  }
  return Units(std::move(bus), timeout);
}

Result<UnitState> Units::state(const std::string& name) const
{
  CONOS_TRY(const auto interface, interface_of(name));
  CONOS_TRY(const auto path, path_of(name));
  const Properties properties(m_bus.get(), name, path);
  UnitState state;
  state.name = name;
  CONOS_TRY(state.load, properties.text(k_unit, "LoadState"));
  CONOS_TRY(state.active, properties.text(k_unit, "ActiveState"));
  CONOS_TRY(state.sub, properties.text(k_unit, "SubState"));
  CONOS_TRY(
    const auto since, properties.number<std::uint64_t>(k_unit, "StateChangeTimestamp", 't'));
  if (since != 0) {
    state.since = time_of(since);
  }
  if (has_result(interface)) {
    CONOS_TRY(state.result, properties.text(interface, "Result"));
  }
  if (interface.ends_with(".Service")) {
    CONOS_CHECK(fill_service(state, properties, interface));
  }
  return state;
}

Result<PropertyValue> Units::property(const std::string& unit, const std::string& name) const
{
  CONOS_TRY(const auto path, path_of(unit));
  CONOS_TRY(const auto interface, interface_of(unit));
  auto value = get_property(m_bus.get(), path, interface, name);
  if (!value && value.error().kind == Kind::not_found) {
    return get_property(m_bus.get(), path, k_unit, name);
  }
  return value;
}

Result<PropertyValue> Units::property_of_manager(const std::string& name) const
{
  return get_property(m_bus.get(), k_manager_path, k_manager, name);
}

Result<std::vector<UnitSummary>> Units::list(const std::string& pattern) const
{
  const auto deed = "list the units '" + escaped(pattern) + "'";
  CONOS_TRY(const auto call, new_call(m_bus.get(), "ListUnitsByPatterns"));
  CONOS_CHECK(append_names(call, {})); // whatever its state
  CONOS_CHECK(append_names(call, {pattern}));
  CONOS_TRY(const auto reply, send(m_bus.get(), call, deed));

  std::vector<UnitSummary> units;
  int r = sd_bus_message_enter_container(reply.get(), 'a', "(ssssssouso)");
  while (r >= 0 && units.size() < k_max_units) {
    std::array<const char*, 9> text{};
    std::uint32_t job = 0;
    r = sd_bus_message_read(reply.get(), "(ssssssouso)", &text[0], &text[1], &text[2], &text[3],
      &text[4], &text[5], &text[6], &job, &text[7], &text[8]);
    if (r <= 0) {
      break;
    }
    units.push_back({text[0], text[2], text[3], text[4]});
  }
  if (r < 0) {
    return bus_error(r, deed);
  }
  return units;
}

Result<> Units::run_job(const char* method, const std::string& name, Until until) const
{
  CONOS_CHECK(interface_of(name)); // a name systemd would complete is not what the caller meant
  const auto deed = fmt::format("{} '{}'", method, escaped(name));
  EndedJobs jobs;
  Slot slot;
  if (until == Until::done) {
    CONOS_TRY(slot, hear_jobs(m_bus.get(), jobs));
  }
  CONOS_TRY(const auto call, new_call(m_bus.get(), method));
  if (const int r = sd_bus_message_append(call.get(), "ss", name.c_str(), "replace"); r < 0) {
    return bus_error(r, deed);
  }
  CONOS_TRY(const auto reply, send(m_bus.get(), call, deed));
  if (until == Until::queued) {
    return {};
  }
  const char* job = nullptr;
  if (const int r = sd_bus_message_read(reply.get(), "o", &job); r < 0) {
    return bus_error(r, deed);
  }
  CONOS_TRY(
    const auto result, await_job(m_bus.get(), jobs, job, m_timeout).map_error(during(deed)));
  if (result == k_unheard) {
    CONOS_TRY(const auto now, state(name));
    return now.is_failed() ? fail(Kind::os, "{}: failed", deed) : Result<>();
  }
  if (result != "done" && result != "skipped") {
    return fail(Kind::os, "{}: {}", deed, escaped(result));
  }
  return {};
}

Result<> Units::start(const std::string& name, Until until) const
{
  return run_job("StartUnit", name, until);
}

Result<> Units::stop(const std::string& name, Until until) const
{
  return run_job("StopUnit", name, until);
}

Result<> Units::restart(const std::string& name, Until until) const
{
  return run_job("RestartUnit", name, until);
}

Result<> Units::reset_failed(const std::string& name) const
{
  CONOS_CHECK(call_about(m_bus.get(), "ResetFailedUnit", name, "reset '" + escaped(name) + "'"));
  return {};
}

Result<std::string> Units::file_state(const std::string& name) const
{
  const auto deed = "look for the unit file '" + escaped(name) + "'";
  CONOS_TRY(const auto reply, call_about(m_bus.get(), "GetUnitFileState", name, deed));
  const char* state = nullptr;
  if (const int r = sd_bus_message_read(reply.get(), "s", &state); r < 0) {
    return bus_error(r, deed);
  }
  return std::string(state);
}

Result<Changed> Units::enable(const std::vector<std::string>& names) const
{
  CONOS_TRY(const auto call, new_call(m_bus.get(), "EnableUnitFiles"));
  CONOS_CHECK(append_names(call, names));
  // for good, not until the next boot; not over somebody else's symlink
  if (const int r = sd_bus_message_append(call.get(), "bb", 0, 0); r < 0) {
    return bus_error(r, "prepare EnableUnitFiles");
  }
  CONOS_TRY(const auto reply, send(m_bus.get(), call, "enable " + escaped(join(names, " "))));
  int has_install_section = 0;
  if (const int r = sd_bus_message_read(reply.get(), "b", &has_install_section); r < 0) {
    return bus_error(r, "read the answer about unit files");
  }
  return changed_by(reply);
}

Result<Changed> Units::disable(const std::vector<std::string>& names) const
{
  CONOS_TRY(const auto call, new_call(m_bus.get(), "DisableUnitFiles"));
  CONOS_CHECK(append_names(call, names));
  if (const int r = sd_bus_message_append(call.get(), "b", 0); r < 0) {
    return bus_error(r, "prepare DisableUnitFiles");
  }
  CONOS_TRY(const auto reply, send(m_bus.get(), call, "disable " + escaped(join(names, " "))));
  return changed_by(reply);
}

Result<> Units::reload() const
{
  CONOS_TRY(const auto call, new_call(m_bus.get(), "Reload"));
  CONOS_CHECK(send(m_bus.get(), call, "reload the unit files", k_reload_time));
  return {};
}

} // namespace conos
