package nianbao

import (
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	nianbaov1 "nianbao/clients/go/nianbao/v1"
)

// packageName is the package of the schema.
var packageName = nianbaov1.File_nianbao_v1_report_proto.Package()

// wholeReport is the address of what stands nowhere in the form.
const wholeReport = "整份报告"

// place is a place of a report: a field, a part, a row or a cell.
type place struct {
	// rank is its place in form order.
	rank int
	// address is the Chinese address.
	address string
	// cell says that a figure stands there.
	cell bool
	// fields lead to it from the report.
	fields []protoreflect.FieldDescriptor
}

// form is the national form by paths from the report.
type form struct {
	places map[string]*place
	// tables are the parts with cells, and the editions that print them; none means each.
	tables map[string][]nianbaov1.Edition
}

// nationalForm reads the form from the options of Report: there is no list of cells here.
var nationalForm = sync.OnceValue(func() *form {
	out := &form{places: map[string]*place{}, tables: map[string][]nianbaov1.Edition{}}
	fields := (&nianbaov1.Report{}).ProtoReflect().Descriptor().Fields()
	var parts []protoreflect.FieldDescriptor
	for i := range fields.Len() {
		field := fields.Get(i)
		cell := cellOf(field)
		if cell.GetNumber() != "" {
			parts = append(parts, field)
			continue
		}
		out.add(string(field.Name()), &place{
			address: cell.GetLabel(), fields: []protoreflect.FieldDescriptor{field},
		})
	}
	for _, part := range parts {
		if out.walk(part, walked{}) {
			out.tables[string(part.Name())] = cellOf(part).GetEditions()
		}
	}
	return out
})

// walked is what a field takes over from the field above.
type walked struct {
	path, address, label string
	summing              nianbaov1.Summing
	fields               []protoreflect.FieldDescriptor
}

// walk adds a field and what stands below it, and says whether there are cells.
func (f *form) walk(field protoreflect.FieldDescriptor, above walked) bool {
	cell := cellOf(field)
	here := walked{
		path:    joined(above.path, string(field.Name())),
		address: addressOf(above, cell),
		label:   cell.GetLabel(),
		summing: cell.GetSumming(),
		fields:  append(slices.Clone(above.fields), field),
	}
	if here.summing == nianbaov1.Summing_SUMMING_UNSPECIFIED {
		here.summing = above.summing
	}
	message := field.Message()
	// Text that is no decimal is prose, unless it says how it is summed: the unit of an amount.
	prose := field.Kind() == protoreflect.StringKind && !field.HasPresence() &&
		here.summing == nianbaov1.Summing_SUMMING_UNSPECIFIED
	cells := message == nil && !prose
	f.add(here.path, &place{address: here.address, cell: cells, fields: here.fields})
	if message == nil || field.IsList() || message.ParentFile().Package() != packageName {
		return cells
	}
	for i := range message.Fields().Len() {
		cells = f.walk(message.Fields().Get(i), here) || cells
	}
	return cells
}

func (f *form) add(path string, at *place) {
	at.rank = len(f.places)
	f.places[path] = at
}

// addressOf is the Chinese address: 表三·（三）不予公开·1.属于国家秘密·总计. A part with a table is
// called by its number, one with prose by its heading; a row whose label repeats that of its group
// is named once.
func addressOf(above walked, cell *nianbaov1.CellOptions) string {
	number, label := cell.GetNumber(), cell.GetLabel()
	if above.path == "" {
		switch name, _ := strings.CutSuffix(number, "、"); name {
		case "二", "三", "四":
			return "表" + name
		default:
			return number + label
		}
	}
	if label == above.label || label == "正文" {
		return above.address
	}
	out := above.address + "·" + number + label
	if cell.GetColumn() != "" {
		out += "·" + cell.GetColumn()
	}
	return out
}

// nearest is the place at that path, or the nearest above it; nil where there is none.
func (f *form) nearest(path string) *place {
	for {
		if at := f.places[path]; at != nil {
			return at
		}
		end := strings.LastIndexAny(path, ".[")
		if end < 0 {
			return nil
		}
		path = path[:end]
	}
}

// value is what stands at a place of the report, as text, and whether anything does.
func (p *place) value(report protoreflect.Message) (string, bool) {
	last := len(p.fields) - 1
	message := report
	for _, field := range p.fields[:last] {
		if !message.Has(field) {
			return "", false
		}
		message = message.Get(field).Message()
	}
	return message.Get(p.fields[last]).String(), message.Has(p.fields[last])
}

func cellOf(field protoreflect.FieldDescriptor) *nianbaov1.CellOptions {
	return extension[*nianbaov1.CellOptions](field, nianbaov1.E_Cell)
}

func joined(path, rest string) string {
	if path == "" || rest == "" {
		return path + rest
	}
	return path + "." + rest
}
