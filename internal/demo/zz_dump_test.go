package demo
import ("testing";"os";"fmt";"strings")
func TestZZDump(t *testing.T){
 dir:=os.Getenv("DUMP"); if dir==""{return}
 cat:=mustLoad(t)
 var b,b2,b3,b4 strings.Builder
 for _,p:=range cat.programmes{
  for _,r:=range programmeRoles{ os.WriteFile(dir+"/"+p.slug+"-"+r+".svg",drawProgramme(p,r,640),0644) }
  fmt.Fprintf(&b,"<img src='%s-THUMBNAIL.svg' style='width:600px;margin:4px'>",p.slug)
  fmt.Fprintf(&b2,"<img src='%s-PORTRAIT.svg' style='width:300px;margin:4px'>",p.slug)
  fmt.Fprintf(&b4,"<img src='%s-LOGO.svg' style='width:300px;margin:4px'>",p.slug)
  v:=p.videos[int(hash(p.slug)%uint64(len(p.videos)))]
  os.WriteFile(dir+"/"+p.slug+"-v.svg",drawVideo(p,v,640),0644)
  fmt.Fprintf(&b3,"<img src='%s-v.svg' style='width:450px;margin:4px'>",p.slug)
 }
 for n,x:=range map[string]string{"a":b.String(),"b":b2.String(),"c":b3.String(),"d":b4.String()} {
 os.WriteFile(dir+"/"+n+".html",[]byte("<body style='margin:0;background:#222'>"+x),0644)}
}
