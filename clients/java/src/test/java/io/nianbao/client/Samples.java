package io.nianbao.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.nianbao.v1.Blank;
import io.nianbao.v1.Disclosure2019;
import io.nianbao.v1.Edition;
import io.nianbao.v1.Explanation;
import io.nianbao.v1.Report;
import io.nianbao.v1.Scope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Reports for the tests: sound ones, and ones that were changed at random but repeatably. */
final class Samples {
  private static final Path FOLDER = Path.of("..", "examples");

  private static final List<String> TEXTS =
      List.of("", "零纠错", "本年度实现零纠错。", "　", "a\u0001b", "文".repeat(20_000), "x=1 <y>");

  private static final List<String> BLANK_PATHS =
      List.of(
          "requests",
          "requests.granted",
          "requests.granted.total",
          "requests.granted.nobody",
          "disclosure",
          "disclosure.fees_wan_yuan",
          "disclosure_2019.procurement.amount_unit",
          "disclosure_2019",
          "disputes.reconsideration.total",
          "overview.text",
          "nowhere",
          "",
          "[");

  private Samples() {}

  /** A report without faults, of that organ. */
  static Report sound(String organ) {
    Report report = ReportJson.read(FOLDER.resolve("report.json"));
    return report.toBuilder().setOrgan("organs/" + organ).build();
  }

  /** A report in which two sums are wrong by one cell. */
  static Report wrong(String organ) {
    Report report = ReportJson.read(FOLDER.resolve("refused.json"));
    return report.toBuilder().setOrgan("organs/" + organ).build();
  }

  /** One to six changes of a sound report, of either edition. */
  static Report mutated(String organ, Random random) {
    Report.Builder report = sound(organ).toBuilder();
    if (random.nextInt(3) == 0) {
      Disclosure2019.Builder table = Disclosure2019.newBuilder();
      fill(table, random);
      report.clearDisclosure().setDisclosure2019(table).setEdition(Edition.EDITION_2019);
      report.setYear(2020);
    }
    int changes = 1 + random.nextInt(6);
    for (int change = 0; change < changes; change++) {
      if (random.nextInt(3) == 0) {
        changeWhole(report, random);
      } else {
        changeWithin(report, random);
      }
    }
    return report.build();
  }

  /** Changes what the report says of itself, its texts, or its list of blanks. */
  private static void changeWhole(Report.Builder report, Random random) {
    String text = TEXTS.get(random.nextInt(TEXTS.size()));
    switch (random.nextInt(10)) {
      case 0 -> report.setEditionValue(random.nextInt(5));
      case 1 -> report.setScopeValue(random.nextInt(4));
      case 2 -> report.setYear(2017 + random.nextInt(9));
      case 3 -> report.getOverviewBuilder().setText(text);
      case 4 -> report.getProblemsBuilder().setText(text);
      case 5 -> report.setTitle(text);
      case 6 ->
          report.addExplanations(
              Explanation.newBuilder().setFingerprint("0123456789abcdeg").setText(text));
      case 7 -> report.setOrgan("organs/A b");
      case 8 -> report.getDisclosureBuilder().setFeesWanYuan("1.2.3");
      default -> {
        report.setScope(Scope.SCOPE_REGION);
        for (int count = random.nextInt(4); count >= 0; count--) {
          String path = BLANK_PATHS.get(random.nextInt(BLANK_PATHS.size()));
          Blank.Builder blank = Blank.newBuilder().setFieldPath(path);
          report.addBlanks(blank.setKindValue(random.nextInt(7)));
        }
      }
    }
  }

  /** Changes, blanks or removes one field of the tables. */
  private static void changeWithin(Report.Builder report, Random random) {
    Message.Builder here = report;
    while (true) {
      Message.Builder above = here;
      List<FieldDescriptor> fields = new ArrayList<>(above.getDescriptorForType().getFields());
      fields.removeIf(field -> field.isRepeated() || !above.hasField(field));
      if (fields.isEmpty()) {
        return;
      }
      FieldDescriptor field = fields.get(random.nextInt(fields.size()));
      boolean isTable = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
      if (isTable && random.nextInt(12) > 0) {
        here = above.getFieldBuilder(field);
      } else if (field.getType() == FieldDescriptor.Type.INT64 && random.nextInt(4) > 0) {
        above.setField(field, figure(random));
        return;
      } else {
        above.clearField(field);
        return;
      }
    }
  }

  private static Long figure(Random random) {
    return switch (random.nextInt(6)) {
      case 0 -> 0L;
      case 1 -> -1L;
      case 2 -> 1_000_000_000_000L;
      default -> (long) random.nextInt(60);
    };
  }

  private static void fill(Message.Builder table, Random random) {
    for (FieldDescriptor field : table.getDescriptorForType().getFields()) {
      if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
        fill(table.getFieldBuilder(field), random);
      } else if (field.getType() == FieldDescriptor.Type.INT64) {
        table.setField(field, (long) random.nextInt(9));
      } else {
        table.setField(field, "12.5");
      }
    }
  }
}
