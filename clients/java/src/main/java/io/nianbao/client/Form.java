package io.nianbao.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Message;
import io.nianbao.v1.CellOptions;
import io.nianbao.v1.Edition;
import io.nianbao.v1.OptionsProto;
import io.nianbao.v1.Report;
import io.nianbao.v1.Summing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The national form as the options of the schema describe it: places with their addresses. */
final class Form {
  /** The address of what is no place of the form. */
  static final String WHOLE_REPORT = "整份报告";

  private static final Form OF_SCHEMA = new Form();

  private final Map<String, Place> places = new HashMap<>();

  private Form() {
    List<FieldDescriptor> parts = new ArrayList<>();
    for (FieldDescriptor field : Report.getDescriptor().getFields()) {
      if (option(field).getNumber().isEmpty()) {
        String label = option(field).getLabel();
        add(new Place(places.size(), label, List.of(field), false, List.of()));
      } else {
        parts.add(field);
      }
    }
    Above report = new Above("", "", List.of(), Summing.SUMMING_UNSPECIFIED, List.of());
    parts.forEach(part -> walk(part, report));
  }

  /**
   * A place of the form.
   *
   * @param rank its place in form order
   * @param address its Chinese address
   * @param fields the fields that lead to it from the report
   * @param isCell whether it is a cell
   * @param editions the editions that print it; none means each
   */
  record Place(
      int rank,
      String address,
      List<FieldDescriptor> fields,
      boolean isCell,
      List<Edition> editions) {

    /** Whether it is a table of the form: a part that is called by its number. */
    boolean isTable() {
      return fields.size() == 1 && address.startsWith("表");
    }

    /** The value of a cell as text; empty for a blank. */
    Optional<String> value(Report report) {
      Message message = report;
      for (FieldDescriptor field : fields.subList(0, fields.size() - 1)) {
        message = (Message) message.getField(field);
      }
      FieldDescriptor last = fields.get(fields.size() - 1);
      String value = message.getField(last).toString();
      boolean there = last.hasPresence() ? message.hasField(last) : !value.isEmpty();
      return there ? Optional.of(value) : Optional.empty();
    }
  }

  /** What a field takes over from the field above. */
  private record Above(
      String address,
      String label,
      List<FieldDescriptor> fields,
      Summing summing,
      List<Edition> editions) {}

  /** Whether a file is of the package. */
  static boolean isOurs(FileDescriptor file) {
    return file.getPackage().equals(Report.getDescriptor().getFile().getPackage());
  }

  /** The place at that path itself. */
  static Optional<Place> exactly(String path) {
    return Optional.ofNullable(OF_SCHEMA.places.get(path));
  }

  /** The place at that path, or the nearest above it. */
  static Optional<Place> nearest(String path) {
    String rest = path;
    while (!OF_SCHEMA.places.containsKey(rest)) {
      int end = Math.max(rest.lastIndexOf('.'), rest.lastIndexOf('['));
      if (end < 0) {
        return Optional.empty();
      }
      rest = rest.substring(0, end);
    }
    return exactly(rest);
  }

  private void walk(FieldDescriptor field, Above above) {
    CellOptions option = option(field);
    List<FieldDescriptor> fields = new ArrayList<>(above.fields);
    fields.add(field);
    Summing summing =
        option.getSumming() == Summing.SUMMING_UNSPECIFIED ? above.summing : option.getSumming();
    List<Edition> editions =
        option.getEditionsCount() == 0 ? above.editions : option.getEditionsList();
    String address = address(above, option);
    boolean isMessage = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
    // What is neither a count nor money nor summed is prose.
    boolean isNumber =
        field.getType() == FieldDescriptor.Type.INT64
            || (field.getType() == FieldDescriptor.Type.STRING && field.hasPresence());
    boolean isCell = !isMessage && (isNumber || summing != Summing.SUMMING_UNSPECIFIED);
    add(new Place(places.size(), address, fields, isCell, editions));
    if (isMessage && !field.isRepeated() && isOurs(field.getMessageType().getFile())) {
      Above here = new Above(address, option.getLabel(), fields, summing, editions);
      field.getMessageType().getFields().forEach(child -> walk(child, here));
    }
  }

  private void add(Place place) {
    List<String> names = place.fields.stream().map(FieldDescriptor::getName).toList();
    places.put(String.join(".", names), place);
  }

  /**
   * The Chinese address: 表三·（三）不予公开·1.属于国家秘密·总计.
   *
   * <p>A part with a table is called by its number, one with prose by its heading; a row whose
   * label repeats that of its group is named once.
   */
  private static String address(Above above, CellOptions option) {
    String heading = option.getNumber() + option.getLabel();
    if (above.fields.isEmpty()) {
      return switch (option.getNumber()) {
        case "二、", "三、", "四、" -> "表" + option.getNumber().charAt(0);
        default -> heading;
      };
    }
    if (option.getLabel().equals(above.label) || option.getLabel().equals("正文")) {
      return above.address;
    }
    String column = option.getColumn().isEmpty() ? "" : "·" + option.getColumn();
    return above.address + "·" + heading + column;
  }

  private static CellOptions option(FieldDescriptor field) {
    return field.getOptions().getExtension(OptionsProto.cell);
  }
}
