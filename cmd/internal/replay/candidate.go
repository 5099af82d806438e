package replay

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/kolmo-ml/kolmo/alerts"
	"github.com/kolmo-ml/kolmo/cmd/internal/service"
	"github.com/kolmo-ml/kolmo/configs"
)

// A Preparation turns configurations into rules. References that several
// configurations have in common are built once.
type Preparation struct {
	log    *slog.Logger
	served map[string]*Served // by what they were built from
}

// NewPreparation makes one that has built nothing. log is told how far the
// building of a reference has come, and what a configuration asks for that a
// replay does not have.
func NewPreparation(log *slog.Logger) *Preparation {
	return &Preparation{log: log, served: make(map[string]*Served)}
}

// Rules builds the references of a configuration.
func (p *Preparation) Rules(ctx context.Context, c *configs.Config) (Rules, error) {
	limits := service.WindowLimits(c)
	byPattern := make(map[string]*Served)
	for _, configured := range service.References(c, p.log) {
		source, err := configured.Source()
		if err != nil {
			return Rules{}, fmt.Errorf("reading the reference of %q: %w", configured.Pattern, err)
		}
		key := fmt.Sprintf("%s %v %v", source, limits, service.EventLimits(c))
		if p.served[key] == nil {
			made, err := configured.Load(ctx)
			if err != nil {
				return Rules{}, fmt.Errorf("building the reference of %q: %w", configured.Pattern, err)
			}
			p.served[key] = Serve(made)
		}
		byPattern[configured.Pattern] = p.served[key]
	}
	find := service.Models(c)
	models := make(map[string]*service.Model)
	model := func(name string) *service.Model {
		if models[name] == nil {
			found := find(name)
			models[name] = &found
			if config := c.For(name); config.Reference.Kind == configs.ReferenceFixed && found.Pattern == "" {
				p.log.Warn("the reference of a model is one that people load, which a replay does not have: its windows are not tested",
					"model", name, "configuration", c.File)
			}
		}
		return models[name]
	}
	return Rules{
		Model:      func(name string) *alerts.Settings { return &model(name).Settings },
		Configured: func(name string) *Served { return byPattern[model(name).Pattern] },
		Limits:     limits, MaxAhead: c.Limits.MaxAhead, Budgeted: budgeted(c),
	}, nil
}

// budgeted reports whether some model has a budget of false pages.
func budgeted(c *configs.Config) bool {
	if c.Defaults.Budget.Pages > 0 {
		return true
	}
	for _, entry := range c.Models {
		if entry.Budget.Pages > 0 {
			return true
		}
	}
	return false
}
