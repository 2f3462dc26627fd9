package resolvers

import (
	"context"
	"fmt"

	"regie/graph/model"
	"regie/internal/catalog"
	"regie/loaders"
	catalogv1 "regie/proto/catalog/v1"
	projectionv1 "regie/proto/projection/v1"
)

func credit(programmeID string, c *catalogv1.Credit) *model.Credit {
	return &model.Credit{PersonID: c.GetPersonId(), ProgrammeID: programmeID, Role: c.GetRole(), Character: orNull(c.GetCharacter())}
}

// creditsOf pages through a programme's credits.
func (r *Resolver) creditsOf(ctx context.Context, p *projectionv1.Programme, first int32, after *string) (*model.CreditConnection, error) {
	all := p.GetCredits()
	part, err := r.part("credits of "+p.GetId(), len(all), func(i int) string {
		return fmt.Sprintf("%s %d %s", all[i].GetPersonId(), all[i].GetRole(), all[i].GetCharacter())
	}, first, after)
	if err != nil {
		return nil, err
	}
	c := &model.CreditConnection{PageInfo: part.info, TotalCount: int32(len(all)), Edges: []*model.CreditEdge{}}
	for i := part.from; i < part.to; i++ {
		c.Edges = append(c.Edges, &model.CreditEdge{Cursor: part.cursors[i-part.from], Credit: credit(local(p.GetId()), all[i])})
	}
	if selects(ctx, "edges", "node", "person") {
		var refs []catalog.Key
		for _, e := range c.Edges {
			refs = append(refs, catalog.Ref{Kind: "person", ID: e.Credit.PersonID})
		}
		loaders.From(ctx).Want(ctx, refs)
	}
	return c, nil
}

// personCredits reads what a person did: a list of the programmes that say so.
func (r *Resolver) personCredits(ctx context.Context, personID string, order model.ProgrammeOrder, first int32, after *string) (*model.CreditConnection, error) {
	l := ordered(catalog.CreditsOf(personID), order)
	l.Open = false // what somebody did does not depend on rights
	if l.Order == byWatched {
		return r.watchedCredits(ctx, l, personID, first, after)
	}
	p, err := r.page(ctx, l, "programme", first, after)
	if err != nil {
		return nil, err
	}
	c := &model.CreditConnection{Edges: make([]*model.CreditEdge, len(p.members)), PageInfo: p.info, TotalCount: p.total}
	for i, m := range p.members {
		c.Edges[i] = &model.CreditEdge{Cursor: p.cursors[i], ProgrammeID: catalog.ID(m), PersonID: personID, Index: catalog.CreditIndex(m)}
	}
	return c, nil
}

// creditAt is the credit that an edge names; nil when the programme has it no more.
func creditAt(ctx context.Context, e *model.CreditEdge) (*model.Credit, error) {
	if e.Credit != nil {
		return e.Credit, nil
	}
	p, err := loaders.From(ctx).Programme(ctx, e.ProgrammeID)
	if all := p.GetCredits(); err != nil || e.Index >= len(all) || all[e.Index].GetPersonId() != e.PersonID {
		return nil, err
	}
	return credit(e.ProgrammeID, p.GetCredits()[e.Index]), nil
}
