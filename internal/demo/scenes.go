package demo

// scene is one motif an editor may ask for.
type scene struct {
	// caption describes it in the alternative text of the images.
	caption string
	draw    func(c *canvas)
}

var scenes = map[string]scene{
	"lighthouse": {"un phare face à la mer", drawLighthouse},
	"harbour":    {"un port, ses grues et un navire", drawHarbour},
	"sails":      {"des voiliers au large", drawSails},
	"river":      {"un pont de pierre sur un fleuve", drawRiver},
	"mountains":  {"des montagnes enneigées", drawMountains},
	"forest":     {"une forêt sous la lune", drawForest},
	"fields":     {"des champs au soleil", drawFields},
	"desert":     {"des falaises d’ocre", drawDesert},
	"road":       {"une route de col et des cyclistes", drawRoad},
	"skyline":    {"une ville la nuit", drawSkyline},
	"facade":     {"une façade d’immeuble aux fenêtres éclairées", drawFacade},
	"house":      {"une grande maison aux fenêtres allumées", drawHouse},
	"factory":    {"une usine de briques et ses cheminées", drawFactory},
	"courthouse": {"les colonnes d’un palais de justice", drawCourthouse},
	"train":      {"un train sur un viaduc", drawTrain},
	"kitchen":    {"une cuisine et ses casseroles de cuivre", drawKitchen},
	"library":    {"une bibliothèque et une lampe", drawLibrary},
	"heartbeat":  {"un cœur et son tracé", drawHeartbeat},
	"workshop":   {"un établi et ses outils", drawWorkshop},
	"newsdesk":   {"un plateau de journal devant un globe", drawNewsdesk},
	"stage":      {"une scène sous les projecteurs", drawStage},
	"quiz":       {"un plateau de jeu illuminé", drawQuiz},
	"stadium":    {"un stade sous les projecteurs", drawStadium},
	"wall":       {"un mur d’escalade", drawWall},
	"space":      {"une station en orbite", drawSpace},
	"clouds":     {"un petit nuage souriant", drawClouds},
	"animals":    {"des animaux au bord d’un ruisseau", drawAnimals},
	"pirates":    {"un bateau de pirates", drawPirates},
	"laboratory": {"un laboratoire farfelu", drawLaboratory},
	"fireworks":  {"un feu d’artifice sur l’eau", drawFireworks},
	"tram":       {"un tram dans la nuit", drawTram},
	"village":    {"un village et son clocher", drawVillage},
	"aurora":     {"une aurore au-dessus d’une tente", drawAurora},
	"school":     {"une école et trois écoliers", drawSchool},
	"vinyl":      {"un disque sur une platine", drawVinyl},
	"cliffs":     {"des falaises de calcaire", drawCliffs},
	"trunk":      {"une malle qui s’ouvre", drawTrunk},
	"sewing":     {"une machine à coudre et des bobines", drawSewing},
	"easel":      {"un tableau sur son chevalet", drawEasel},
	"stairs":     {"un escalier de lumière", drawStairs},
	"cinema":     {"une salle de cinéma", drawCinema},
}
