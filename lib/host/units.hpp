#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

struct sd_bus;

// The units of systemd, asked and told over its own bus: no systemctl is started.
namespace conos {

// How a command of a service last ended, as in ExecStartPre=.
struct StepEnd {
  std::vector<std::string> argv;
  std::optional<Time> started;
  std::optional<Time> ended; // absent: it never ran, or runs now
  int code = 0;              // CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: it has not ended
  int status = 0;            // exit status or signal
};

// What a unit is just now. The first four are systemd's own words.
struct UnitSummary {
  std::string name;
  std::string load;   // loaded, not-found, bad-setting, error, masked
  std::string active; // active, reloading, inactive, failed, activating, deactivating
  std::string sub;    // running, waiting, start-pre, dead, …
};

struct UnitState : UnitSummary {
  std::string result;        // success, exit-code, trigger-limit-hit, …; empty: has none
  std::optional<Time> since; // of the last change of state

  // Of a service only. A unit that cannot be started at all, because its user or a directory is
  // missing, shows that in start_pre alone: exec_main_status stays 0 there.
  int exec_main_code = 0;
  int exec_main_status = 0;
  unsigned restarts = 0;
  std::vector<StepEnd> start_pre;

  bool is_loaded() const { return load == "loaded"; }
  bool is_active() const { return active == "active" || active == "reloading"; }
  bool is_failed() const { return active == "failed"; }
};

// What D-Bus has for a value; a number beyond what fits, as "infinity" is, is the largest there is.
using PropertyValue =
  std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

// The first command of ExecStartPre= that did not end with status 0, if there is one.
const StepEnd* failed_start_pre(const UnitState& state);

// For start, stop and restart: come back when systemd has taken the job, or when it is done.
enum class Until { queued, done };

enum class Changed { yes, no };

// One connection. Not for two threads at once.
//
// Every call ends within the time limit. A unit that is not there is Kind::not_found, a refusal
// Kind::denied, a unit that is masked or cannot be read Kind::config, time that is up Kind::busy,
// a systemd that cannot be reached Kind::unavailable.
class Units
{
public:
  // Root speaks to systemd itself and needs no D-Bus daemon; anybody else goes by the system bus
  // and may look, not touch. `address` is for tests.
  static Result<Units> connect(Duration timeout = std::chrono::seconds(5));
  static Result<Units> connect_to(const std::string& address, Duration timeout);

  // A unit nobody has heard of has load "not-found"; that is no error.
  Result<UnitState> state(const std::string& name) const;

  // Units in memory whose name matches the shell pattern ("conos-*.service"): at most 10,000.
  Result<std::vector<UnitSummary>> list(const std::string& pattern) const;

  // A property of a unit, or of its kind of unit, as `systemctl show` names it: Kind::not_found
  // when there is none of that name. What is neither a number, a boolean, a text nor a list of
  // texts is a list with a text for each element.
  Result<PropertyValue> property(const std::string& unit, const std::string& name) const;

  // Of systemd itself: Version, Features, Virtualization, DefaultTasksMax, …
  Result<PropertyValue> property_of_manager(const std::string& name) const;

  // With Until::done a job that fails is Kind::os with systemd's word for it in the text.
  Result<> start(const std::string& name, Until until = Until::done) const;
  Result<> stop(const std::string& name, Until until = Until::done) const;
  Result<> restart(const std::string& name, Until until = Until::done) const;

  // Also clears the count of a start or trigger limit.
  Result<> reset_failed(const std::string& name) const;

  // "enabled", "disabled", "static", "masked", …; Kind::not_found when there is no such file.
  Result<std::string> file_state(const std::string& name) const;

  // By the [Install] section; reload() makes systemd see it.
  Result<Changed> enable(const std::vector<std::string>& names) const;
  Result<Changed> disable(const std::vector<std::string>& names) const;

  // systemctl daemon-reload. May take longer than the time limit: up to 90 s.
  Result<> reload() const;

private:
  struct Close {
    void operator()(sd_bus* bus) const;
  };
  using Bus = std::unique_ptr<sd_bus, Close>;

  Units(Bus bus, Duration timeout);
  Result<> run_job(const char* method, const std::string& name, Until until) const;

  Bus m_bus;
  Duration m_timeout;
};

} // namespace conos
