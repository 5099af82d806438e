package configs

// A Subscriber is sent a webhook for every alert.
type Subscriber struct {
	Name string
	Webhook
	TLS *TLS // nil: as the system has it
}

func (s *Subscriber) fields() []field {
	fields := []field{{key: "name", required: true, value: targetName(&s.Name), meaning: "What metrics call it."}}
	fields = append(fields, s.Webhook.fields()...)
	return append(fields, field{key: "tls", value: optional[TLS]{&s.TLS, (*TLS).fields}, meaning: "TLS of an https URL that is not as the system has it."})
}

// subscribers reports what contradicts in who is sent webhooks.
func (d *decoder) subscribers(list []Subscriber) {
	names := map[string]string{}
	for i := range list {
		s, path := &list[i], item("webhooks", i)
		if first, twice := names[s.Name]; twice {
			d.reportAt(path+".name", "%q is already the name of %s: every webhook has its own", shortened(s.Name), first)
		} else if s.Name != "" {
			names[s.Name] = path
		}
		d.pairs(path + ".tls")
		if !d.blamed(path) {
			d.webhook(path, &s.Webhook)
		}
	}
}
