#include "libhookcore/oci/edit.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>

#include "libhookcore/oci/json.h"

namespace hookcore::oci {

namespace {

constexpr std::string_view kStageKeys[] = {"prestart",       "createRuntime", "createContainer",
                                           "startContainer", "poststart",     "poststop"};
constexpr std::string_view kSpace = " \t\r\n";

using Place = std::optional<Span>;

/// Where the values stand that an editor may change. Absent and null differ here: a null is
/// replaced, something absent is added to its parent.
struct Places {
  Place root, process, cwd, env, annotations, hooks;
  std::vector<Span> env_entries;
  std::map<std::string, Span, std::less<>> annotation_values;
  std::array<Place, std::size(kStageKeys)> stages;
};

/// The span of what read() passes over.
template <typename Read>
Span span_of(JsonReader& reader, Read read) {
  reader.peek();
  const size_t begin = reader.offset();
  read();
  return {begin, reader.offset()};
}

Places find_places(std::string_view text, std::string_view where, Document document) {
  JsonReader reader(text, Code::kConfig, where);
  Places places;
  const auto skip_to = [&](Place& place) { return [&] { place = reader.skip(); }; };
  const auto env = [&] {
    places.env = span_of(reader, [&] {
      reader.array("process.env", [&] { places.env_entries.push_back(reader.skip()); });
    });
  };
  const auto process = [&] {
    places.process = span_of(reader, [&] {
      reader.object("process", Field{"cwd", skip_to(places.cwd)}, Field{"env", env});
    });
  };
  if (document == Document::kProcess) {
    process();
    return places;
  }
  const auto annotations = [&] {
    places.annotations = span_of(reader, [&] {
      reader.members("annotations", [&](std::string key) {
        places.annotation_values.emplace(std::move(key), reader.skip());
      });
    });
  };
  const auto hooks = [&] {
    places.hooks = span_of(reader, [&] {
      reader.members("hooks", [&](const std::string& key) {
        const auto stage = std::find(std::begin(kStageKeys), std::end(kStageKeys), key);
        const Span span = reader.skip();
        if (stage != std::end(kStageKeys)) {
          places.stages[static_cast<size_t>(stage - std::begin(kStageKeys))] = span;
        }
      });
    });
  };
  places.root = span_of(reader, [&] {
    reader.object("", Field{"process", process}, Field{"annotations", annotations},
                  Field{"hooks", hooks});
  });
  return places;
}

struct Member {
  std::string_view key;
  std::string value;  ///< JSON
};

std::string joined(const std::vector<std::string>& values, char open, char close) {
  std::string out(1, open);
  for (const std::string& value : values) {
    if (out.size() > 1) out += ',';
    out += value;
  }
  return out + close;
}

std::string array_of(const std::vector<std::string>& values) { return joined(values, '[', ']'); }

std::string object_of(const std::vector<Member>& members) {
  std::vector<std::string> texts;
  texts.reserve(members.size());
  for (const Member& member : members)
    texts.push_back(json_string(member.key) + ":" + member.value);
  return joined(texts, '{', '}');
}

std::vector<std::string> json_strings(const std::vector<std::string>& texts) {
  std::vector<std::string> values;
  std::transform(texts.begin(), texts.end(), std::back_inserter(values), json_string);
  return values;
}

std::string hook_object(const Hook& hook) {
  std::vector<Member> members = {{"path", json_string(hook.path)}};
  if (!hook.args.empty()) members.push_back({"args", array_of(json_strings(hook.args))});
  if (!hook.env.empty()) members.push_back({"env", array_of(json_strings(hook.env))});
  if (hook.timeout) members.push_back({"timeout", std::to_string(*hook.timeout)});
  return object_of(members);
}

/// Collects replacements of spans and applies them in one go.
class Splicer {
 public:
  explicit Splicer(std::string_view text) : text_(text) {}

  void replace(Span span, std::string bytes) { splices_.push_back({span, std::move(bytes)}); }

  /// Adds elements at the end of the array or object at span, laid out as what is there: each
  /// after the white space that stands before the first element. A null becomes `bare`.
  void append(Span span, const std::vector<std::string>& elements, const std::string& bare) {
    if (elements.empty()) return;
    if (text_[span.begin] == 'n') {
      replace(span, bare);
      return;
    }
    const size_t first = text_.find_first_not_of(kSpace, span.begin + 1);
    const bool empty = first == span.end - 1;
    const std::string_view space =
        empty ? std::string_view() : text_.substr(span.begin + 1, first - span.begin - 1);
    const size_t last = text_.find_last_not_of(kSpace, span.end - 2);
    std::string bytes;
    for (const std::string& element : elements) {
      if (!empty || !bytes.empty()) bytes += ',';
      bytes += space;
      bytes += element;
    }
    replace({last + 1, last + 1}, std::move(bytes));
  }

  void append_elements(Span array, const std::vector<std::string>& values) {
    append(array, values, array_of(values));
  }

  void append_members(Span object, const std::vector<Member>& members) {
    const bool spacious = text_.substr(object.begin + 1, 1).find_first_of(kSpace) == 0;
    std::vector<std::string> texts;
    texts.reserve(members.size());
    for (const Member& member : members) {
      texts.push_back(json_string(member.key) + (spacious ? ": " : ":") + member.value);
    }
    append(object, texts, object_of(members));
  }

  std::string apply() {
    std::stable_sort(splices_.begin(), splices_.end(),
                     [](const Splice& a, const Splice& b) { return a.span.begin < b.span.begin; });
    std::string out;
    size_t at = 0;
    for (const Splice& splice : splices_) {
      out += text_.substr(at, splice.span.begin - at);
      out += splice.bytes;
      at = splice.span.end;
    }
    out += text_.substr(at);
    return out;
  }

 private:
  struct Splice {
    Span span;
    std::string bytes;
  };
  std::string_view text_;
  std::vector<Splice> splices_;
};

/// Takes elements out of an array, each with the comma and the white space that part it from a
/// neighbour that stays. kept says for each whether it stays; one of them does.
void remove_elements(Splicer& splicer, const std::vector<Span>& elements,
                     const std::vector<bool>& kept) {
  const auto first = static_cast<size_t>(std::find(kept.begin(), kept.end(), true) - kept.begin());
  if (first > 0) splicer.replace({elements[0].begin, elements[first].begin}, {});
  for (size_t i = first + 1; i < elements.size(); ++i) {
    if (!kept[i]) splicer.replace({elements[i - 1].end, elements[i].end}, {});
  }
}

void edit_env(Splicer& splicer, const Places& places, const std::vector<bool>& kept,
              const std::vector<std::string>& added) {
  const std::vector<std::string> values = json_strings(added);
  if (std::find(kept.begin(), kept.end(), false) == kept.end()) {
    splicer.append_elements(*places.env, values);
  } else if (std::find(kept.begin(), kept.end(), true) == kept.end()) {
    splicer.replace(*places.env, array_of(values));
  } else {
    remove_elements(splicer, places.env_entries, kept);
    splicer.append_elements(*places.env, values);
  }
}

void edit_process(Splicer& splicer, const Places& places, const std::optional<std::string>& cwd,
                  const std::vector<bool>& kept_env, const std::vector<std::string>& env) {
  std::vector<Member> added;
  if (cwd && places.cwd) {
    splicer.replace(*places.cwd, json_string(*cwd));
  } else if (cwd) {
    added.push_back({"cwd", json_string(*cwd)});
  }
  if (places.env) {
    edit_env(splicer, places, kept_env, env);
  } else if (!env.empty()) {
    added.push_back({"env", array_of(json_strings(env))});
  }
  splicer.append_members(*places.process, added);
}

void edit_annotations(Splicer& splicer, const Places& places, const Annotations& annotations,
                      std::vector<Member>& new_in_root) {
  std::vector<Member> added;
  for (const auto& [key, value] : annotations) {
    const auto found = places.annotation_values.find(key);
    if (found == places.annotation_values.end()) {
      added.push_back({key, json_string(value)});
    } else {
      splicer.replace(found->second, json_string(value));
    }
  }
  if (places.annotations) {
    splicer.append_members(*places.annotations, added);
  } else if (!added.empty()) {
    new_in_root.push_back({"annotations", object_of(added)});
  }
}

void edit_hooks(Splicer& splicer, const Places& places,
                const std::map<Stage, std::vector<Hook>>& hooks, std::vector<Member>& new_in_root) {
  std::vector<Member> added;
  for (const auto& [stage, entries] : hooks) {
    std::vector<std::string> values;
    std::transform(entries.begin(), entries.end(), std::back_inserter(values), hook_object);
    const auto index = static_cast<size_t>(stage);
    if (places.stages[index]) {
      splicer.append_elements(*places.stages[index], values);
    } else {
      added.push_back({kStageKeys[index], array_of(values)});
    }
  }
  if (places.hooks) {
    splicer.append_members(*places.hooks, added);
  } else if (!added.empty()) {
    new_in_root.push_back({"hooks", object_of(added)});
  }
}

}  // namespace

ConfigEditor::ConfigEditor(std::string text, std::string_view where, Document document)
    : text_(std::move(text)),
      where_(where),
      document_(document),
      view_(document == Document::kConfig ? parse_config(text_, where_)
                                          : parse_process(text_, where_)) {}

void ConfigEditor::set_cwd(std::string path) {
  if (path != view_.cwd) cwd_ = std::move(path);
}

void ConfigEditor::append_env(std::string entry) { env_.push_back(std::move(entry)); }

void ConfigEditor::remove_env(bool (*which)(std::string_view entry)) {
  if (std::any_of(view_.env.begin(), view_.env.end(), which)) removed_env_ = which;
}

void ConfigEditor::set_annotation(std::string key, std::string value) {
  const auto present = view_.annotations.find(key);
  if (present != view_.annotations.end() && present->second == value) return;
  annotations_.insert_or_assign(std::move(key), std::move(value));
}

void ConfigEditor::append_hook(Stage stage, Hook hook) { hooks_[stage].push_back(std::move(hook)); }

std::string ConfigEditor::text() const {
  const bool process_changes = cwd_ || !env_.empty() || removed_env_ != nullptr;
  if (!process_changes && annotations_.empty() && hooks_.empty()) return text_;
  if (process_changes && !view_.has_process) {
    throw Error(Code::kConfig, "there is no process in it, so no cwd and no environment", where_,
                "add a \"process\" to the document");
  }
  const Places places = find_places(text_, where_, document_);
  Splicer splicer(text_);
  if (process_changes) {
    std::vector<bool> kept;
    for (const std::string& entry : view_.env) {
      kept.push_back(removed_env_ == nullptr || !removed_env_(entry));
    }
    edit_process(splicer, places, cwd_, kept, env_);
  }
  if (document_ == Document::kProcess) return splicer.apply();
  std::vector<Member> new_in_root;
  edit_annotations(splicer, places, annotations_, new_in_root);
  edit_hooks(splicer, places, hooks_, new_in_root);
  splicer.append_members(*places.root, new_in_root);
  return splicer.apply();
}

}  // namespace hookcore::oci
