package io.nianbao.client;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import io.nianbao.v1.Report;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reports as proto JSON. Counts (int64) are strings there. */
public final class ReportJson {
  /** What the printer writes escaped, though JSON does not ask for it; a backslash goes first. */
  private static final Pattern ESCAPED =
      Pattern.compile("\\\\(?:u00(3c|3e|26|3d|27)|.)", Pattern.DOTALL);

  private ReportJson() {}

  /**
   * Reads the report in a file.
   *
   * @throws UncheckedIOException where the file cannot be read
   * @throws NianbaoException where it holds no report; unknown fields are refused by name
   */
  public static Report read(Path file) {
    try {
      return parse(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads a report.
   *
   * @throws NianbaoException where the text holds no report; unknown fields are refused by name
   */
  public static Report parse(String json) {
    try {
      StrictJson.check(json);
      Struct.Builder object = Struct.newBuilder();
      JsonFormat.parser().merge(json, object);
      List<String> unknown = new ArrayList<>();
      findUnknown(object.build(), Report.getDescriptor(), "", unknown);
      if (!unknown.isEmpty()) {
        throw NianbaoException.offline(
            "a report has no such field: " + String.join(", ", unknown),
            "报告没有这样的字段：" + String.join("、", unknown),
            null);
      }
      Report.Builder report = Report.newBuilder();
      JsonFormat.parser().merge(json, report);
      return report.build();
    } catch (IOException e) {
      throw NianbaoException.offline(
          "this is no report in JSON: " + e.getMessage(), "不是 JSON 报告：" + e.getMessage(), e);
    }
  }

  /** The canonical JSON text of a report. */
  public static String write(Report report) {
    try {
      String text = JsonFormat.printer().print(report);
      return ESCAPED.matcher(text).replaceAll(ReportJson::unescaped);
    } catch (InvalidProtocolBufferException e) {
      throw NianbaoException.offline(
          "the report has no form in JSON: " + e.getMessage(), "无法写成 JSON：" + e.getMessage(), e);
    }
  }

  private static String unescaped(java.util.regex.MatchResult escape) {
    String code = escape.group(1);
    String text = code == null ? escape.group() : Character.toString(Integer.parseInt(code, 16));
    return Matcher.quoteReplacement(text);
  }

  private static void findUnknown(
      Struct object, Descriptor message, String above, List<String> unknown) {
    for (Map.Entry<String, Value> entry : object.getFieldsMap().entrySet()) {
      String path = Operands.join(above, entry.getKey());
      FieldDescriptor field = field(message, entry.getKey());
      if (field == null) {
        unknown.add(path);
      } else if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
        Descriptor below = field.getMessageType();
        Value value = entry.getValue();
        if (value.hasStructValue()) {
          findUnknown(value.getStructValue(), below, path, unknown);
        }
        List<Value> items = value.getListValue().getValuesList();
        for (int index = 0; index < items.size(); index++) {
          String item = path + "[" + index + "]";
          findUnknown(items.get(index).getStructValue(), below, item, unknown);
        }
      }
    }
  }

  /** The field of that name; JSON may hold the name of the schema as well as its own. */
  private static FieldDescriptor field(Descriptor message, String name) {
    return message.getFields().stream()
        .filter(field -> field.getJsonName().equals(name) || field.getName().equals(name))
        .findFirst()
        .orElse(null);
  }
}
