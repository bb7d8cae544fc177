import { type DescFile, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import { message as messageRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

import {
  AdminService,
  AggregateService,
  DocumentService,
  FormatService,
  OrganService,
  ReportService,
  rules,
  type Severity,
} from "./gen/index.js";

/** What the schema says of a rule. */
export interface CatalogueEntry {
  /** Dotted, lower case, such as `requests.balance.total`. */
  readonly id: string;
  readonly severity: Severity;
  /** The cell of which the rule speaks, relative to its message. */
  readonly subject: string;
  /** Rules whose failure explains a failure of this one. */
  readonly impliedBy: readonly string[];
  readonly textZh: string;
  readonly textEn: string;
  /** The CEL expression; empty for standard rules and rules in code. */
  readonly expression: string;
}

const SERVICES = [
  AdminService,
  AggregateService,
  DocumentService,
  FormatService,
  OrganService,
  ReportService,
];

let entries: ReadonlyMap<string, CatalogueEntry> | undefined;
let idsOfWords: ReadonlyMap<string, string> | undefined;

/** Every rule of the schema by its id, as the options of the messages state it. */
export function catalogue(): ReadonlyMap<string, CatalogueEntry> {
  entries ??= new Map(
    [...packageFiles()]
      .flatMap(allMessages)
      .flatMap(entriesOf)
      .map((entry) => [entry.id, entry]),
  );
  return entries;
}

/** The rule of that id, which the schema is known to have. */
export function ruleEntry(id: string): CatalogueEntry {
  const entry = catalogue().get(id);
  if (entry === undefined) {
    throw new Error(`rule ${id} has no entry in the option (nianbao.v1.rules)`);
  }
  return entry;
}

/**
 * The dotted id of a rule that an error names in upper case, such as `REQUESTS_BALANCE_TOTAL`. What
 * is no rule comes back as it is.
 */
export function ruleIdOf(word: string): string {
  idsOfWords ??= new Map([...catalogue().keys()].map((id) => [ruleWord(id), id]));
  return idsOfWords.get(word) ?? word;
}

/** How an error names a rule. */
export function ruleWord(id: string): string {
  return id.replaceAll(".", "_").toUpperCase();
}

/** The files of the schema from which a service can be reached, each once. */
function packageFiles(): Set<DescFile> {
  const seen = new Set<DescFile>();
  const visit = (file: DescFile): void => {
    if (file.proto.package === ReportService.file.proto.package && !seen.has(file)) {
      seen.add(file);
      file.dependencies.forEach(visit);
    }
  };
  SERVICES.forEach((service) => {
    visit(service.file);
  });
  return seen;
}

function allMessages(within: DescFile | DescMessage): DescMessage[] {
  const nested = "messages" in within ? within.messages : within.nestedMessages;
  return nested.flatMap((message) => [message, ...allMessages(message)]);
}

function entriesOf(message: DescMessage): CatalogueEntry[] {
  if (!hasOption(message, rules)) {
    return [];
  }
  const cel = getOption(message, messageRules).cel;
  return getOption(message, rules).rule.map((rule) => {
    const expressed = cel.find((candidate) => candidate.id === rule.id);
    return {
      id: rule.id,
      severity: rule.severity,
      subject: rule.subject,
      impliedBy: rule.impliedBy,
      textZh: rule.textZh === "" ? (expressed?.message ?? "") : rule.textZh,
      textEn: rule.textEn,
      expression: expressed?.expression ?? "",
    };
  });
}
