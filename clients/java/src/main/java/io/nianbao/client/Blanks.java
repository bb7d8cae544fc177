package io.nianbao.client;

import io.nianbao.v1.Blank;
import io.nianbao.v1.Edition;
import io.nianbao.v1.Report;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The rules of the list of blanks, which no expression can hold: each blank names, once, a cell of
 * the edition or a missing table, and what it names has no value.
 */
final class Blanks {
  /** Blanks beyond twice the limit of the list are not looked at, as in the server. */
  private static final int READ_MAX = 1024;

  private Blanks() {}

  /** A rule that a blank breaks, where, and what was found. */
  record Broken(String rule, String path, String found) {}

  /** Hands over what the blanks of a report break, in their order. */
  static void check(Report report, Consumer<Broken> broken) {
    Set<String> seen = new HashSet<>();
    int count = Math.min(report.getBlanksCount(), READ_MAX);
    for (int index = 0; index < count; index++) {
      Blank blank = report.getBlanks(index);
      if (blank.getFieldPath().isEmpty()) {
        // `required` has said it.
        continue;
      }
      String path = "blanks[" + index + "].field_path";
      if (!seen.add(blank.getFieldPath())) {
        broken.accept(new Broken("blanks.repeated", path, blank.getFieldPath()));
      } else {
        check(report, blank, path).ifPresent(broken);
      }
    }
  }

  private static Optional<Broken> check(Report report, Blank blank, String path) {
    String named = blank.getFieldPath();
    boolean wholeTable = blank.getKind() == Blank.Kind.KIND_TABLE_MISSING;
    Optional<Form.Place> place = Form.exactly(named);
    if (!isOfOtherEdition(report.getEdition(), named)) {
      if (!wholeTable && place.filter(Form.Place::isCell).isPresent()) {
        return place.get().value(report).map(found -> new Broken("blanks.valued", path, found));
      }
      if (wholeTable && place.filter(Form.Place::isTable).isPresent()) {
        boolean there = report.hasField(place.get().fields().get(0));
        return there ? Optional.of(new Broken("blanks.valued", path, named)) : Optional.empty();
      }
    }
    return Optional.of(new Broken("blanks.path", path, named));
  }

  /** Whether a path is of a table that the edition of the report does not print. */
  private static boolean isOfOtherEdition(Edition edition, String path) {
    boolean stated = edition != Edition.EDITION_UNSPECIFIED && edition != Edition.UNRECOGNIZED;
    String table = path.split("\\.", 2)[0];
    return stated
        && Form.exactly(table)
            .filter(Form.Place::isTable)
            .filter(place -> !place.editions().isEmpty())
            .filter(place -> !place.editions().contains(edition))
            .isPresent();
  }
}
