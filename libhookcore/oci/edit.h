#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/oci/config.h"

namespace hookcore::oci {

/// Where an entry of `hooks` stands.
enum class Stage {
  kPrestart,
  kCreateRuntime,
  kCreateContainer,
  kStartContainer,
  kPoststart,
  kPoststop
};

/// What a text is.
enum class Document {
  kConfig,   ///< config.json
  kProcess,  ///< the process of `exec --process`: a cwd and an environment, nothing else to edit
};

/// Changes to one config.json, spliced into its text: every byte that no change is about (unknown
/// fields, order of keys, number formats, white space) stays as it was. Without a change, text()
/// is the input. Changes are collected and take effect in text(); view() is the document as read.
class ConfigEditor {
 public:
  /// Throws as parse_config does.
  explicit ConfigEditor(std::string text, std::string_view where = "config.json",
                        Document document = Document::kConfig);

  const ConfigView& view() const { return view_; }

  void set_cwd(std::string path);
  /// Appends "NAME=value" to process.env, in order of the calls.
  void append_env(std::string entry);
  /// Takes the entries of process.env away for which which("NAME=value") holds.
  void remove_env(bool (*which)(std::string_view entry));
  /// Replaces the value of an annotation, or adds it at the end.
  void set_annotation(std::string key, std::string value);
  /// Appends to hooks.STAGE.
  void append_hook(Stage stage, Hook hook);

  /// The document with all changes. Throws Error(Code::kConfig) where a change has no place: there
  /// is no process to give a cwd or environment.
  std::string text() const;

 private:
  std::string text_;
  std::string where_;
  Document document_;
  ConfigView view_;
  bool (*removed_env_)(std::string_view) = nullptr;
  std::optional<std::string> cwd_;
  std::vector<std::string> env_;
  Annotations annotations_;
  std::map<Stage, std::vector<Hook>> hooks_;
};

}  // namespace hookcore::oci
