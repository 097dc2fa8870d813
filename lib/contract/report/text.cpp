#include "sys/text.hpp"
#include "contract/report/report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::contract {

namespace {

constexpr std::size_t k_least_width = 40;
constexpr std::size_t k_indent = 9; // below the status

// Columns of a terminal; each character counts as one.
std::size_t columns(std::string_view text)
{
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
}

std::string_view first_columns(std::string_view text, std::size_t wanted)
{
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80 && ++seen > wanted) {
      return text.substr(0, i);
    }
  }
  return text;
}

std::string fitted(std::string_view text, std::size_t width)
{
  if (columns(text) <= width) {
    return std::string(text);
  }
  return std::string(first_columns(text, width - 1)) + "…";
}

// Lines of at most `width` columns, broken between words where there are some.
std::vector<std::string> wrapped(std::string_view text, std::size_t width)
{
  std::vector<std::string> lines;
  while (columns(text) > width) {
    const auto head = first_columns(text, width);
    const auto space = head.rfind(' ');
    const auto cut = space == head.npos || space < width / 2 ? head.size() : space;
    lines.emplace_back(text.substr(0, cut));
    text = trimmed(text.substr(cut));
  }
  lines.emplace_back(text);
  return lines;
}

std::string_view colour_of(Status status)
{
  switch (status) {
  case Status::pass:
    return "\x1b[32m";
  case Status::fail:
  case Status::halt:
  case Status::error:
  case Status::timeout:
    return "\x1b[31m";
  case Status::warn:
    return "\x1b[33m";
  case Status::skip:
  case Status::exempt:
    return "\x1b[36m";
  }
  return "";
}

int order_of(const Row& row)
{
  switch (row.status) {
  case Status::halt:
    return 0;
  case Status::fail:
  case Status::error:
  case Status::timeout:
    return 1;
  case Status::warn:
    return 2;
  case Status::exempt:
    return 3;
  case Status::skip:
    return 4;
  case Status::pass:
    return 5;
  }
  return 6;
}

std::string upper(std::string_view text)
{
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

class Table
{
public:
  explicit Table(const TextStyle& style)
      : m_style(style)
      , m_width(std::max(style.width, k_least_width))
  {
  }

  // What somebody has to look at, with all there is to say of it.
  void trouble(const Row& row)
  {
    head(row, fmt::format("{}  {}", label_of(row), name_of(row.severity())));
    below("", row.what());
    below("", row.message);
    if (!row.evidence.empty() && row.evidence != row.message) {
      for (const auto line : split(row.evidence, '\n')) {
        below("", escaped(line, k_line));
      }
    }
    if (row.check != nullptr) {
      below("affects", join(row.check->affects, ", "));
      below("verify", row.check->verify);
      below("fix", row.check->fix);
      below("then", row.check->on_fail.actions.empty() ? "" : row.check->on_fail.text());
    }
    out += '\n';
  }

  void line(const Row& row)
  {
    const auto text = row.status == Status::pass ? std::string(row.what()) : row.message;
    head(row, fmt::format("{}  {}", label_of(row), text));
  }

  std::string out;

private:
  static constexpr std::size_t k_line = 500;

  void head(const Row& row, std::string_view text)
  {
    const auto status = upper(name_of(row.status));
    const auto padded = fmt::format("{:<{}}", status, k_indent);
    out += m_style.has_colour ? fmt::format("{}{}\x1b[0m", colour_of(row.status), padded) : padded;
    out += fitted(escaped(text, k_line), m_width - k_indent) + "\n";
  }

  void below(std::string_view name, std::string_view text)
  {
    if (text.empty()) {
      return;
    }
    const auto title = name.empty() ? std::string() : fmt::format("{:<9}", name);
    const auto indent = std::string(k_indent + title.size(), ' ');
    bool is_first = true;
    for (const auto& line : wrapped(escaped(text, 2000), m_width - indent.size())) {
      out += (is_first ? std::string(k_indent, ' ') + title : indent) + line + "\n";
      is_first = false;
    }
  }

  const TextStyle& m_style;
  std::size_t m_width;
};

bool is_trouble(const Row& row)
{
  return is_bad(row.status) || row.status == Status::warn || row.status == Status::exempt;
}

std::string table(const Report& report, const TextStyle& style)
{
  std::vector<const Row*> rows;
  for (const auto& row : report.rows) {
    rows.push_back(&row);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) {
    const auto key = [](const Row* row) {
      return std::pair(order_of(*row), row->severity());
    };
    return is_trouble(*a) || is_trouble(*b) ? key(a) < key(b) : order_of(*a) < order_of(*b);
  });
  Table out(style);
  for (const auto* row : rows) {
    if (is_trouble(*row)) {
      out.trouble(*row);
    } else if (!style.only_trouble) {
      out.line(*row);
    }
  }
  return out.out + fitted(summary_of(report), std::max(style.width, k_least_width)) + "\n";
}

std::string lines(const Report& report, const TextStyle& style)
{
  std::string out;
  for (const auto& row : report.rows) {
    if (style.only_trouble && !is_trouble(row)) {
      continue;
    }
    out += fmt::format("{} {}", upper(name_of(row.status)), label_of(row));
    if (is_trouble(row)) {
      out += fmt::format(" [{}] {}", name_of(row.severity()), escaped(row.what(), 500));
    }
    out += row.message.empty() ? "\n" : ": " + escaped(row.message, 1000) + "\n";
  }
  return out + summary_of(report) + "\n";
}

} // namespace

std::string text_report(const Report& report, const TextStyle& style)
{
  return style.is_terminal ? table(report, style) : lines(report, style);
}

} // namespace conos::contract
