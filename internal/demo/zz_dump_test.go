package demo
import ("testing";"os";"fmt";"sort";"strings")
func TestZZDump(t *testing.T){
 docs,err:=Documents(); if err!=nil{t.Fatal(err)}
 fmt.Println(len(docs))
 dir:=os.Getenv("DUMP"); if dir==""{return}
 var names []string
 for n:=range scenes{names=append(names,n)}
 sort.Strings(names)
 ch:=&channel{Slug:"rivage",Title:"Rivage",Colour:"#1f6fd6",Mark:"wave"}
 pals:=map[string]string{"lighthouse":"storm","harbour":"dusk","sails":"lagoon","river":"night","mountains":"alpine","forest":"moonlit","fields":"meadow","desert":"ochre","road":"alpine","skyline":"night","facade":"plum","house":"dusk","factory":"rust","courthouse":"slate","train":"dusk","kitchen":"honey","library":"ember","workshop":"paper","newsdesk":"signal","stage":"ember","quiz":"confetti","stadium":"night","wall":"noon","space":"cosmos","clouds":"candy","animals":"meadow","pirates":"candy","laboratory":"candy","fireworks":"plum","cinema":"plum"}
 var b,b2 strings.Builder
 for i,n:=range names{
  p:=&programme{ID:"p"+n,slug:n,Title:"Le Titre de "+n,Kind:[]string{"FILM","SERIES","KIDS","SPORT"}[i%4],channel:ch}
  p.Poster=poster{n,pals[n],""}
  for _,r:=range []string{"THUMBNAIL","PORTRAIT"}{
   s:=drawProgramme(p,r,640)
   if strings.Contains(string(s),"%!"){ j:=strings.Index(string(s),"%!"); t.Errorf("%s: %s",n,s[max(0,j-80):j+40]) }
   os.WriteFile(dir+"/"+n+"-"+r+".svg",s,0644)
   fmt.Fprintf(map[string]*strings.Builder{"THUMBNAIL":&b,"PORTRAIT":&b2}[r],"<img src='%s-%s.svg' style='%s;margin:4px'>",n,r,map[string]string{"THUMBNAIL":"width:600px","PORTRAIT":"width:300px"}[r])
  }
  fmt.Println(n,len(drawProgramme(p,"THUMBNAIL",640)))
 }
 os.WriteFile(dir+"/a.html",[]byte("<body style='margin:0;background:#222'>"+b.String()),0644)
 os.WriteFile(dir+"/b.html",[]byte("<body style='margin:0;background:#222'>"+b2.String()),0644)
}
