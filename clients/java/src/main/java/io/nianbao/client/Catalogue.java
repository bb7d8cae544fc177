package io.nianbao.client;

import build.buf.validate.ValidateProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import io.nianbao.v1.AdminServiceProto;
import io.nianbao.v1.AggregateServiceProto;
import io.nianbao.v1.DocumentServiceProto;
import io.nianbao.v1.FormatServiceProto;
import io.nianbao.v1.OptionsProto;
import io.nianbao.v1.OrganServiceProto;
import io.nianbao.v1.ReportServiceProto;
import io.nianbao.v1.RuleOptions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The rules as the options of the schema describe them; no second list of them exists. */
final class Catalogue {
  /** A selection from `this`, and what follows where it is a call with a literal. */
  private static final Pattern SELECTION =
      Pattern.compile("this((?:\\.[a-z0-9_]+)+)(\\((?:'([^']*)'|\"([^\"]*)\")?)?");

  /** Read once, when the first rule is asked for. */
  private static final Catalogue OF_SCHEMA = new Catalogue();

  private final Map<String, Entry> entries;
  private final Map<String, String> idsByReason;

  private Catalogue() {
    Map<String, Entry> byId = new HashMap<>();
    for (FileDescriptor file : files()) {
      file.getMessageTypes().forEach(message -> read(message, byId));
    }
    Map<String, String> byReason = new HashMap<>();
    byId.keySet().forEach(id -> byReason.put(reason(id), id));
    entries = Collections.unmodifiableMap(byId);
    idsByReason = Collections.unmodifiableMap(byReason);
  }

  /** What a rule reads: a path from its message, and the words that it looks for there, if any. */
  record Read(List<String> path, Optional<String> words) {}

  /** A rule: its options, its Chinese text, and what it reads, which is nothing but for CEL. */
  record Entry(RuleOptions options, String textZh, Optional<List<Read>> reads) {}

  /** The rule of that id. */
  static Optional<Entry> rule(String id) {
    return Optional.ofNullable(OF_SCHEMA.entries.get(id));
  }

  /** The id whose reason in an error is that word; the word itself where it is of no rule. */
  static String idOfReason(String reason) {
    return OF_SCHEMA.idsByReason.getOrDefault(reason, reason);
  }

  /** How errors write the id of a rule. */
  static String reason(String id) {
    return id.replace('.', '_').toUpperCase(Locale.ROOT);
  }

  /** All files of the package, since requests have rules of their own. */
  private static Set<FileDescriptor> files() {
    Deque<FileDescriptor> toRead =
        new ArrayDeque<>(
            List.of(
                ReportServiceProto.getDescriptor(),
                OrganServiceProto.getDescriptor(),
                AggregateServiceProto.getDescriptor(),
                DocumentServiceProto.getDescriptor(),
                FormatServiceProto.getDescriptor(),
                AdminServiceProto.getDescriptor()));
    Set<FileDescriptor> seen = new HashSet<>();
    while (!toRead.isEmpty()) {
      FileDescriptor file = toRead.pop();
      if (Form.isOurs(file) && seen.add(file)) {
        toRead.addAll(file.getDependencies());
      }
    }
    return seen;
  }

  private static void read(Descriptor message, Map<String, Entry> entries) {
    Map<String, build.buf.validate.Rule> cel = new HashMap<>();
    for (build.buf.validate.Rule rule :
        message.getOptions().getExtension(ValidateProto.message).getCelList()) {
      cel.put(rule.getId(), rule);
    }
    for (RuleOptions options :
        message.getOptions().getExtension(OptionsProto.rules).getRuleList()) {
      build.buf.validate.Rule rule = cel.get(options.getId());
      Entry entry =
          rule == null
              ? new Entry(options, options.getTextZh(), Optional.empty())
              : new Entry(options, rule.getMessage(), Optional.of(reads(rule.getExpression())));
      entries.put(options.getId(), entry);
    }
    message.getNestedTypes().forEach(nested -> read(nested, entries));
  }

  /** The selections from `this` in the order of their first appearance. */
  private static List<Read> reads(String expression) {
    List<Read> reads = new ArrayList<>();
    Set<List<String>> seen = new HashSet<>();
    Matcher matcher = SELECTION.matcher(expression);
    while (matcher.find()) {
      List<String> path = List.of(matcher.group(1).substring(1).split("\\."));
      Optional<String> words = Optional.empty();
      if (matcher.group(2) != null) {
        // The last name is a function.
        String function = path.get(path.size() - 1);
        path = path.subList(0, path.size() - 1);
        if (function.equals("contains")) {
          String single = matcher.group(3);
          words = Optional.of(single == null ? matcher.group(4) : single);
        }
      }
      if (seen.add(path)) {
        reads.add(new Read(path, words));
      }
    }
    return reads;
  }
}
