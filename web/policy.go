package web

import (
	"net/http"
	"strings"
)

// assetPolicy is for files opened by themselves: an SVG may hold scripts, and a worker runs under the policy of its own
// file, not under its page's. The workers are complete but for chunks of this host, and connect to nothing.
const assetPolicy = "default-src 'none'; script-src 'self'; frame-ancestors 'none'"

// pagePolicy is the site's: files and requests of this host only, and no markup made from strings.
func pagePolicy(imageOrigins []string) string {
	return "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; font-src 'self'; " +
		imageSources(imageOrigins) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
}

// graphiqlPolicy is as strict as Monaco allows: it creates style elements and attributes as it goes, hence the one
// 'unsafe-inline'. No eval, no inline script, no blob: worker.
func graphiqlPolicy(imageOrigins []string) string {
	return "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
		"style-src 'self' 'unsafe-inline'; font-src 'self'; " +
		imageSources(imageOrigins) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

func imageSources(origins []string) string {
	return strings.Join(append([]string{"img-src 'self' data:"}, origins...), " ")
}

// secure sets what goes for every answer.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		// Overridden by what is served, so that nothing is ever without one.
		h.Set("Content-Security-Policy", pagePolicy(nil))
		next.ServeHTTP(w, r)
	})
}
