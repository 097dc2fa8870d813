#include "page/chart.hpp"
#include "page/samples.hpp"
#include "temp_dir.hpp"

using namespace conos;
using namespace conos::page;

namespace {

Sample sample_at(std::int64_t minute, std::int64_t waiting = 1)
{
  Sample sample;
  sample.minute = minute;
  sample.waiting = waiting;
  return sample;
}

Samples a_day()
{
  Samples samples;
  for (std::int64_t minute = 1; minute <= 1440; ++minute) {
    samples = with(std::move(samples), sample_at(minute));
  }
  return samples;
}

} // namespace

TEST_CASE("there is one sample for each minute of a day", "[page][samples]")
{
  auto samples = a_day();
  CHECK(samples.size() == k_most_samples);

  samples = with(samples, sample_at(1440, 7)); // the same minute
  CHECK(samples.size() == k_most_samples);
  CHECK(samples.back().waiting == 7);

  samples = with(samples, sample_at(1441));
  CHECK(samples.size() == k_most_samples);
  CHECK(samples.front().minute == 2);
}

TEST_CASE("a clock that jumps leaves no sample of a time that is not", "[page][samples]")
{
  CHECK(with(a_day(), sample_at(5000)).size() == 1); // a day later
  const auto back = with(a_day(), sample_at(700));
  CHECK(back.size() == 700);
  CHECK(back.back().minute == 700);
}

TEST_CASE("samples are read as they were written", "[page][samples]")
{
  auto samples = a_day();
  samples.back() = {1440, std::nullopt, 61, 2'500'000, 31};

  const auto read = samples_from_text(to_text(samples));

  REQUIRE(read);
  CHECK(*read == samples);
  CHECK(to_text(samples).size() < k_max_samples_bytes);
  CHECK(samples_from_text(to_text({})).value().empty());
}

TEST_CASE("what is no file of samples is refused", "[page][samples]")
{
  const auto head = to_text({});
  for (const std::string text : {"", "x", "1\t2\t3\t4\t5\n", "\n"}) {
    CHECK_FALSE(samples_from_text(text));
  }
  for (const std::string line : {"1\t2\t3\t4", "1\t2\t3\t4\t5\t6", "-\t2\t3\t4\t5", "1\tx\t3\t4\t5",
         "1\t-2\t3\t4\t5", "1\t2\t3\t4\t99999999999999999999", "1\t\t3\t4\t5", ""}) {
    INFO(line);
    CHECK_FALSE(samples_from_text(head + line + "\n"));
  }
  CHECK_FALSE(samples_from_text(head + "1\t2\t3\t4\t5")); // cut short
  CHECK_FALSE(samples_from_text(head + "2\t-\t-\t-\t-\n1\t-\t-\t-\t-\n"));
  CHECK_FALSE(samples_from_text(head + "1\t-\t-\t-\t-\n1\t-\t-\t-\t-\n"));
}

TEST_CASE("a file of samples that is broken is set aside and said", "[page][samples]")
{
  const TempDir dir;
  CHECK_FALSE(load_samples(dir.fd).trouble); // there is none yet
  REQUIRE(save_samples(dir.fd, a_day()));
  CHECK(load_samples(dir.fd).samples == a_day());

  REQUIRE(replace(dir.fd, k_samples, "garbage\n", 0600));
  const auto broken = load_samples(dir.fd);
  CHECK(broken.samples.empty());
  REQUIRE(broken.trouble);
  CHECK_THAT(broken.trouble->text(), Catch::Contains("set aside as 'samples.tsv.broken'"));
  CHECK(read_file(dir.fd, k_broken_samples, 100).value() == "garbage\n");
  CHECK_FALSE(load_samples(dir.fd).trouble);

  REQUIRE(replace(dir.fd, k_samples, std::string(k_max_samples_bytes + 1, 'x'), 0600));
  CHECK(load_samples(dir.fd).trouble);
}

TEST_CASE("what is spent is counted across midnight", "[page][chart]")
{
  const Time now{std::chrono::minutes(2880 + 30)};
  Samples samples;
  const auto spent = [&](std::int64_t minute, std::int64_t usd) {
    Sample sample;
    sample.minute = minute;
    sample.usd_micros = usd;
    samples.push_back(sample);
  };
  spent(2880 - 20, 3'000'000);
  spent(2880 - 10, 4'000'000); // one more
  spent(2880 + 5, 500'000);    // a new day

  const auto series = spent_of(samples, now);

  REQUIRE(series.size() == k_hours);
  CHECK(series.back() == 1.5);
  CHECK_FALSE(series.front());
}

TEST_CASE("a chart has what it shows in words, and gaps where nothing is known", "[page][chart]")
{
  const Time now{std::chrono::minutes(1440)};
  Samples samples{sample_at(200, 3), sample_at(800, 12), sample_at(1440, 2)};
  const auto series = largest_of(samples, now, [](const Sample& sample) {
    return std::optional(static_cast<double>(*sample.waiting));
  });
  const auto words = [](double value) {
    return std::to_string(static_cast<int>(value));
  };

  const auto figure = figure_of({"Tasks waiting", "2", series, words}, now).markup();

  CHECK_THAT(figure, Catch::Contains("aria-label=\"Tasks waiting over the last day: at most 12, "
                                     "about 13:11 UTC; now 2\""));
  CHECK_THAT(figure, Catch::Contains("role=\"img\""));
  const auto lines = figure.substr(figure.find("class=\"line\""));
  CHECK(std::count(lines.begin(), lines.end(), 'M') == 3);
  CHECK_THAT(figure_of({"Load", "?", Series(k_stretches), words}, now).markup(),
    Catch::Contains("nothing was sampled"));
}
