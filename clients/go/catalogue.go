package nianbao

import (
	"regexp"
	"strings"
	"sync"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// rule is what the schema says of a rule.
type rule struct {
	options *nianbaov1.RuleOptions
	textZh  string
	// isCEL tells the rules with an expression; operands are what that reads.
	isCEL    bool
	operands []operand
}

type rules struct {
	byID map[string]*rule
	// byReason has the id of each rule by the word that BadRequest writes for it.
	byReason map[string]string
}

// catalogue reads the rules of all messages from their options: there is no list of rules here.
var catalogue = sync.OnceValue(func() *rules {
	all := &rules{byID: map[string]*rule{}, byReason: map[string]string{}}
	read := func(file protoreflect.FileDescriptor) bool {
		all.read(file.Messages())
		return true
	}
	protoregistry.GlobalFiles.RangeFilesByPackage(packageName, read)
	return all
})

func (all *rules) read(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		message := messages.Get(i)
		expressions := map[string]*validate.Rule{}
		for _, cel := range extension[*validate.MessageRules](message, validate.E_Message).GetCel() {
			expressions[cel.GetId()] = cel
		}
		for _, options := range extension[*nianbaov1.RulesOptions](
			message, nianbaov1.E_Rules).GetRule() {
			entry := &rule{options: options, textZh: options.GetTextZh()}
			if cel := expressions[options.GetId()]; cel != nil {
				entry.isCEL = true
				entry.textZh = cel.GetMessage()
				entry.operands = operandsOf(cel.GetExpression())
			}
			all.byID[options.GetId()] = entry
			reason := strings.ToUpper(strings.ReplaceAll(options.GetId(), ".", "_"))
			all.byReason[reason] = options.GetId()
		}
		all.read(message.Messages())
	}
}

// extension is an option of a message, a field or the value of an enum.
func extension[T any](of protoreflect.Descriptor, option protoreflect.ExtensionType) T {
	value, _ := proto.GetExtension(of.Options(), option).(T)
	return value
}

// labelOf is the label of the value of an enum, in Chinese and English.
func labelOf(value protoreflect.Enum) (zh, en string) {
	descriptor := value.Descriptor().Values().ByNumber(value.Number())
	label := extension[*nianbaov1.LabelOptions](descriptor, nianbaov1.E_Label)
	return label.GetZh(), label.GetEn()
}

// selection is a path from `this`. Where a bracket follows, its last name is a function, and what
// stands in the bracket may be words.
var selection = regexp.MustCompile(`this((?:\.[a-z0-9_]+)+)(\((?:'([^']*)')?)?`)

// operandsOf lists what an expression reads, in the order of first appearance.
func operandsOf(expression string) []operand {
	var out []operand
	seen := map[string]bool{}
	for _, found := range selection.FindAllStringSubmatch(expression, -1) {
		names := strings.Split(found[1][1:], ".")
		var words string
		if found[2] != "" {
			if names[len(names)-1] == "contains" {
				words = found[3]
			}
			names = names[:len(names)-1]
		}
		if path := strings.Join(names, "."); !seen[path] {
			seen[path] = true
			out = append(out, operand{path: path, names: names, words: words})
		}
	}
	return out
}
