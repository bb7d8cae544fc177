package io.nianbao.client;

import build.buf.validate.FieldPath;
import build.buf.validate.FieldPathElement;
import build.buf.validate.ValidateProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.nianbao.v1.Operand;
import io.nianbao.v1.Report;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** What a broken rule read: paths and values, as the server states them. */
final class Operands {
  private static final String PRESENT = "present";

  private Operands() {}

  /** Renders a path as `blanks[0].kind`; that of the report itself is empty. */
  static String dotted(FieldPath path) {
    StringBuilder dotted = new StringBuilder();
    for (FieldPathElement element : path.getElementsList()) {
      if (!dotted.isEmpty()) {
        dotted.append('.');
      }
      dotted.append(element.getFieldName());
      if (element.hasIndex()) {
        dotted.append('[').append(element.getIndex()).append(']');
      }
    }
    return dotted.toString();
  }

  /** Whether a list is so far over its limit there that the server does not look at the item. */
  static boolean isBeyondReading(FieldPath path) {
    Descriptor message = Report.getDescriptor();
    for (FieldPathElement element : path.getElementsList()) {
      FieldDescriptor field = message.findFieldByNumber(element.getFieldNumber());
      long limit = field.getOptions().getExtension(ValidateProto.field).getRepeated().getMaxItems();
      if (element.hasIndex() && limit > 0 && element.getIndex() >= 2 * limit) {
        return true;
      }
      if (field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
        break;
      }
      message = field.getMessageType();
    }
    return false;
  }

  /** The path from the report, of a path from what stands at `above`. */
  static String join(String above, String path) {
    return above.isEmpty() || path.isEmpty() ? above + path : above + "." + path;
  }

  /** The operands of a rule of the expressions of the message at that path. */
  static List<Operand> ofExpression(Report report, FieldPath path, List<Catalogue.Read> reads) {
    Message message = (Message) at(report, path);
    String above = dotted(path);
    return reads.stream()
        .map(
            read -> {
              String below = String.join(".", read.path());
              return operand(join(above, below), value(message, read));
            })
        .toList();
  }

  /** The one operand of a standard rule on the field at that path. */
  static List<Operand> ofStandard(Report report, FieldPath path, String rule) {
    Optional<String> value =
        rule.equals("required") ? Optional.empty() : Optional.of(measure(at(report, path), rule));
    return List.of(operand(dotted(path), value));
  }

  /** An operand, without a value for a blank. */
  static Operand operand(String path, Optional<String> value) {
    Operand.Builder operand = Operand.newBuilder().setFieldPath(path);
    value.ifPresent(operand::setValue);
    return operand.build();
  }

  /** What stands at a path that protovalidate states, so that it is there. */
  private static Object at(Report report, FieldPath path) {
    Object here = report;
    for (FieldPathElement element : path.getElementsList()) {
      Message message = (Message) here;
      FieldDescriptor field =
          message.getDescriptorForType().findFieldByNumber(element.getFieldNumber());
      here =
          element.hasIndex()
              ? message.getRepeatedField(field, Math.toIntExact(element.getIndex()))
              : message.getField(field);
    }
    return here;
  }

  /** What a standard rule measures: a number, the size of a list or of bytes, a text as it is. */
  private static String measure(Object value, String rule) {
    if (value instanceof List<?> list) {
      return Integer.toString(list.size());
    }
    if (value instanceof ByteString bytes) {
      return Integer.toString(bytes.size());
    }
    if (value instanceof String text && rule.equals("string.max_bytes")) {
      return Integer.toString(text.getBytes(StandardCharsets.UTF_8).length);
    }
    return text(value);
  }

  private static Optional<String> value(Message message, Catalogue.Read read) {
    Message here = message;
    List<String> names = read.path();
    for (String name : names.subList(0, names.size() - 1)) {
      FieldDescriptor field = here.getDescriptorForType().findFieldByName(name);
      if (!here.hasField(field)) {
        return Optional.empty();
      }
      here = (Message) here.getField(field);
    }
    FieldDescriptor field =
        here.getDescriptorForType().findFieldByName(names.get(names.size() - 1));
    if (field.hasPresence() && !here.hasField(field)) {
      return Optional.empty();
    }
    Object value = here.getField(field);
    if (read.words().isPresent()) {
      // The words alone, so that an explanation outlives other edits of the text.
      return read.words().filter(words -> ((String) value).contains(words));
    }
    if (value instanceof Message) {
      return Optional.of(PRESENT);
    }
    if (value instanceof Boolean flag) {
      return flag ? Optional.of(PRESENT) : Optional.empty();
    }
    return Optional.of(text(value));
  }

  private static String text(Object value) {
    return value instanceof EnumValueDescriptor name
        ? Integer.toString(name.getNumber())
        : value.toString();
  }
}
