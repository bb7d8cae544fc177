package nianbao

import (
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// present is what a finding says of a message that is there.
const present = "present"

// operand is a field that an expression reads.
type operand struct {
	path  string
	names []string
	// words are what the expression looks for in a text. Then the operand is the words alone, so
	// that an explanation outlives other edits of the text.
	words string
}

// read is the operand as it stands below `this`; nil for a blank.
func (o operand) read(message protoreflect.Message) *string {
	last := len(o.names) - 1
	for _, name := range o.names[:last] {
		field := message.Descriptor().Fields().ByName(protoreflect.Name(name))
		if !message.Has(field) {
			return nil
		}
		message = message.Get(field).Message()
	}
	field := message.Descriptor().Fields().ByName(protoreflect.Name(o.names[last]))
	if field.HasPresence() && !message.Has(field) {
		return nil
	}
	value := message.Get(field)
	switch {
	case field.Message() != nil:
		return proto.String(present)
	case field.Kind() == protoreflect.BoolKind:
		if !value.Bool() {
			return nil
		}
		return proto.String(present)
	case o.words != "":
		if !strings.Contains(value.String(), o.words) {
			return nil
		}
		return proto.String(o.words)
	default:
		return proto.String(scalar(field, value))
	}
}

// scalar is a number or a text as a finding has it; an enum is its number.
func scalar(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	if field.Kind() == protoreflect.EnumKind {
		return strconv.Itoa(int(value.Enum()))
	}
	return value.String()
}

// operandsRead are the operands of a violation as they stand in the report.
func operandsRead(rule *rule, at spot) []*nianbaov1.Operand {
	if !rule.isCEL {
		return []*nianbaov1.Operand{{FieldPath: at.path, Value: at.standard(rule.options.GetId())}}
	}
	out := make([]*nianbaov1.Operand, 0, len(rule.operands))
	for _, operand := range rule.operands {
		out = append(out, &nianbaov1.Operand{
			FieldPath: joined(at.path, operand.path), Value: operand.read(at.message),
		})
	}
	return out
}

// spot is where protovalidate found a violation.
type spot struct {
	path string
	// field and value are what stands there; field is nil for the report itself.
	field protoreflect.FieldDescriptor
	value protoreflect.Value
	// message is the message there, or the one that has the field.
	message protoreflect.Message
	// unread says that it stands so far beyond the limit of its list that the server does not look
	// at it.
	unread bool
}

// find walks the path of a violation.
func find(report protoreflect.Message, path *validate.FieldPath, dotted string) spot {
	at := spot{path: dotted, message: report}
	for _, element := range path.GetElements() {
		number := protoreflect.FieldNumber(element.GetFieldNumber())
		at.field = at.message.Descriptor().Fields().ByNumber(number)
		at.value = at.message.Get(at.field)
		index, item := element.GetSubscript().(*validate.FieldPathElement_Index)
		if item {
			at.value = at.value.List().Get(int(index.Index))
			limit := extension[*validate.FieldRules](at.field, validate.E_Field).GetRepeated()
			at.unread = at.unread || limit.HasMaxItems() && index.Index >= 2*limit.GetMaxItems()
		}
		if at.field.Message() != nil && (item || !at.field.IsList()) {
			at.message = at.value.Message()
		}
	}
	return at
}

// standard is what a standard rule read; nil for a blank.
func (s spot) standard(id string) *string {
	kind, rest, _ := strings.Cut(id, ".")
	switch {
	case kind == "required":
		return nil
	case kind == "repeated":
		return proto.String(strconv.Itoa(s.value.List().Len()))
	case rest == "max_bytes":
		return proto.String(strconv.Itoa(len(s.value.String())))
	case rest == "max_len":
		return proto.String(strconv.Itoa(len(s.value.Bytes())))
	default:
		return proto.String(scalar(s.field, s.value))
	}
}
