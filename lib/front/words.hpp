#pragma once

#include <string>
#include <string_view>
#include <vector>

// Command lines as the documents and the reference's scripts have them, said in our words
// (docs/compatibility.md is the list of them). Nothing is looked up here and nothing done.
namespace conos::front {

// The name the front door was called by. `conctl` is what scripts call: there a task is always
// handed in, whatever its words are, and what is printed has the reference's lines.
enum class Name { conos, conctl };

// Of a path, "/usr/bin/conctl".
Name name_of(std::string_view program);

// `words` are those after the program's name; so are the words that come back. What is ours
// already comes back as it is, and what nobody knows too: whoever carries it out says so.
std::vector<std::string> in_our_words(Name name, std::vector<std::string> words);

} // namespace conos::front
