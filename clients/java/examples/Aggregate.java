import io.nianbao.client.NianbaoClient;
import io.nianbao.v1.AggregateReportsRequest;
import io.nianbao.v1.Coverage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Sums a city for a year, with what waits for acceptance, and says what the sum covers. */
class Aggregate {
  public static void main(String[] arguments) throws IOException {
    String server =
        arguments.length > 0
            ? arguments[0]
            : System.getenv().getOrDefault("NIANBAO_SERVER", "127.0.0.1:50051");
    Path data = Path.of(System.getenv().getOrDefault("NIANBAO_EXAMPLES", "../../examples"));
    // The city is the first organ of the list.
    String city = Files.readAllLines(data.resolve("organs.csv")).get(1).split(",")[0];

    try (NianbaoClient client = NianbaoClient.builder(server).plaintext().build()) {
      AggregateReportsRequest request =
          AggregateReportsRequest.newBuilder()
              .setOrgan("organs/" + city)
              .addYears(2023)
              .setIncludeUnaccepted(true)
              .setListMembers(true)
              .build();
      io.nianbao.v1.Aggregate sum = client.aggregate(request).getAggregates(0);
      System.out.println(sum.getOrgan() + " " + sum.getYear());
      line("received", sum.getRequests().getNewlyReceived().getTotal());
      line("granted", sum.getRequests().getGranted().getTotal());
      line("processed", sum.getRequests().getTotalProcessed().getTotal());
      line("fees", sum.getDisclosure().getFeesWanYuan());
      Coverage coverage = sum.getCoverage();
      System.out.printf(
          "coverage: %d expected, %d included, %d missing%n",
          coverage.getExpected(), coverage.getIncluded(), coverage.getMissing());
      coverage.getMissingOrgansList().forEach(organ -> System.out.println("  missing: " + organ));
    }
  }

  private static void line(String label, Object figure) {
    System.out.printf("  %-10s %12s%n", label, figure);
  }
}
