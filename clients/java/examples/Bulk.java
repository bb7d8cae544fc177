import io.nianbao.client.NianbaoClient;
import io.nianbao.client.ReportJson;
import io.nianbao.client.Submission;
import io.nianbao.client.SubmitResult;
import io.nianbao.client.SubmitResults;
import io.nianbao.v1.Finding;
import io.nianbao.v1.ImportOrgansHeader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Submits a folder of reports as one stream and says of each whether it was taken. */
class Bulk {
  public static void main(String[] arguments) throws IOException {
    String server =
        arguments.length > 0
            ? arguments[0]
            : System.getenv().getOrDefault("NIANBAO_SERVER", "127.0.0.1:50051");
    Path data = Path.of(System.getenv().getOrDefault("NIANBAO_EXAMPLES", "../../examples"));
    List<Path> files;
    try (Stream<Path> folder = Files.list(data.resolve("reports"))) {
      files = folder.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }

    try (NianbaoClient client = NianbaoClient.builder(server).plaintext().build()) {
      client.importOrgans(data.resolve("organs.csv"), ImportOrgansHeader.getDefaultInstance());
      // Each file is read when it is its turn.
      Stream<Submission> submissions = files.stream().map(ReportJson::read).map(Submission::of);
      int taken = 0;
      try (SubmitResults results = client.submitAll(submissions::iterator)) {
        for (Path file : files) {
          SubmitResult result = results.next();
          taken += result.isTaken() ? 1 : 0;
          System.out.printf(
              "[%d/%d] %s: %s%n",
              result.answer().getIndex() + 1,
              files.size(),
              file.getFileName(),
              result.isTaken()
                  ? "taken, " + result.answer().getReport().getName()
                  : "refused, " + result.answer().getRefusal().getReason());
          if (!result.isTaken()) {
            for (Finding finding : result.answer().getFindingsList()) {
              System.out.println("      " + finding.getCell() + "：" + finding.getMessageZh());
            }
          }
        }
      }
      System.out.printf("%d taken, %d refused%n", taken, files.size() - taken);
    }
  }
}
